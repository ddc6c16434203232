"""The lid-driven cavity: steady Navier-Stokes in a box, with a spectral solution as reference."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import deepxde as dde
import numpy as np
import torch
from numpy.polynomial import legendre
from scipy.sparse.linalg import LinearOperator, gmres
from torch import Tensor

import pacpinn as pp


class Cavity(pp.Equation):
    """∇²psi = -omega, psi_y omega_x - psi_x omega_y = ∇²omega / re on the unit square, for u = psi_y, v = -psi_x.

    psi = 0 on the walls, which do not slip; the lid y = 1 moves with u = 16 x² (1 - x)², the regularised cavity
    (Bourcier & Francois, La Recherche Aerospatiale 131, 1969; Shen, J. Comput. Phys. 95, 1991). A lid of speed 1
    throughout (Ghia, Ghia & Shin, J. Comput. Phys. 48, 1982) has singular corners, where omega has no bound.
    Review: Shankar & Deshpande, Annu. Rev. Fluid Mech. 32, 2000. Units: the side and the lid's highest speed are 1.
    """

    re = pp.Coefficient(200.0, low=100.0, high=400.0, scale="log", doc="Reynolds number")
    targets = pp.grid(re=[100.0, 140.0, 260.0, 320.0, 400.0])
    inputs = ("x", "y")
    outputs = ("psi", "omega")
    points = pp.Points(domain=3800)
    tolerance = 3e-3
    hidden = (28, 28, 28)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.Rectangle([0, 0], [1, 1])

    def residual(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Sequence[Tensor]:
        psi_x, psi_y = (dde.grad.jacobian(y, x, i=0, j=j) for j in (0, 1))
        omega_x, omega_y = (dde.grad.jacobian(y, x, i=1, j=j) for j in (0, 1))
        psi_xx, psi_yy = (dde.grad.hessian(y, x, component=0, i=j, j=j) for j in (0, 1))
        omega_xx, omega_yy = (dde.grad.hessian(y, x, component=1, i=j, j=j) for j in (0, 1))
        convection = psi_y * omega_x - psi_x * omega_y
        return [psi_xx + psi_yy + y[:, 1:2], convection - (omega_xx + omega_yy) / c.re]

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        """Place, and layers at all walls as thick as the viscous boundary layer."""
        layers = torch.exp(-torch.cat([x, 1 - x], dim=1) * c.re**0.5 / 2)
        return torch.cat([2 * x - 1, 2 * layers - 1], dim=1)

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        across, up = x[:, 0:1], x[:, 1:2]
        inside = (4 * across * (1 - across) * up * (1 - up)) ** 2  # as psi: value and slope 0 at the walls
        return torch.cat([lid(across) * below(up) + inside * y[:, 0:1], y[:, 1:2]], dim=1)

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> Sequence[Any]:
        def speed(x: np.ndarray) -> np.ndarray:
            return np.where(np.isclose(x[:, 1:2], 1), lid(x[:, 0:1]), 0)

        return [
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on),
            dde.icbc.NeumannBC(geometry, speed, lambda x, on: on),
        ]

    def place(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        """A third of the points as they are, a third nearer to the walls, a third nearer still."""
        near = 0.3 * x + 0.7 * np.sin(np.pi / 2 * x) ** 2
        nearer = 0.3 * near + 0.7 * np.sin(np.pi / 2 * near) ** 2
        return np.choose(np.arange(len(x))[:, None] % 3, [x, near, nearer])

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return evaluate(fields(c.re), x)


def lid(across: Any) -> Any:
    """Its speed."""
    return 16 * across**2 * (1 - across) ** 2


def below(up: Any) -> Any:
    """psi for a lid of speed 1: slope 0 at the bottom, value 0 at both ends."""
    return up**2 * (up - 1)


@lru_cache
def fields(re: float) -> np.ndarray:
    """Legendre coefficients of psi and omega ``(2, n, n)``, for :func:`evaluate`."""
    psi = galerkin(re)
    return np.stack([psi, -slope(psi, 2, 0) - slope(psi, 0, 2)])


@lru_cache
def galerkin(re: float, degrees: Sequence[int] = (40, 160)) -> np.ndarray:
    """Legendre coefficients ``(degree + 4, degree + 4)`` of psi in 2 x - 1 and 2 y - 1.

    Newton's method in Shen's basis (SIAM J. Sci. Comput. 15, 1994), first with few of its functions, then with many.

    Raises:
        ArithmeticError: if it does not converge, which happens only far above the range of :class:`Cavity`.
    """
    a = np.zeros((0, 0))
    for n in degrees:
        a, k = np.pad(a, (0, n - len(a))), np.arange(n)
        basis = np.zeros((n + 4, n))  # value and slope 0 at both ends; second derivatives are orthogonal
        basis[k, k], basis[k + 2, k], basis[k + 4, k] = 1, -2 * (2 * k + 5) / (2 * k + 7), (2 * k + 3) / (2 * k + 7)
        basis /= (2 * k + 3) * np.sqrt(4 * k + 10)
        s = np.linspace(0, 1, 5)
        given = np.zeros((n + 4, n + 4))
        given[:5, :4] = np.outer(legendre.legfit(2 * s - 1, lid(s), 4), legendre.legfit(2 * s - 1, below(s), 3))
        for _ in range(20):
            step = newton_step(given + basis @ a @ basis.T, basis, re)
            a += step
            if np.abs(step).max() <= 1e-7 * np.abs(a).max():  # steps are exact to 1e-6
                break
        else:
            raise ArithmeticError(f"the flow in the cavity at re={re:g} does not settle at degree {n}")
    return given + basis @ a @ basis.T


def newton_step(psi: np.ndarray, basis: np.ndarray, re: float) -> np.ndarray:
    """By GMRES, preconditioned by a nearly inverted biharmonic operator (Bjorstad & Tjostheim, ibid. 18, 1997)."""
    n = basis.shape[1]
    s, weight = legendre.leggauss(n + n // 4)
    at = [legendre.legval(s, 2**d * legendre.legder(np.eye(n + 4), d)).T for d in range(3)]
    b = [each @ basis for each in at]

    def weak(psi: np.ndarray) -> np.ndarray:
        """The integral of ∇²psi (psi_y w_x - psi_x w_y + ∇²w / re) for every w of the basis."""
        right = [psi @ each.T for each in at]
        curl = np.outer(weight, weight) / 4 * (at[2] @ right[0] + at[0] @ right[2])
        u, v = at[0] @ right[1], -at[1] @ right[0]
        return (
            b[1].T @ (curl * u) @ b[0] + b[0].T @ (curl * v) @ b[1] + (b[2].T @ curl @ b[0] + b[0].T @ curl @ b[2]) / re
        )

    mass, stiffness, bending = (each.T @ (weight[:, None] / 2 * each) for each in b)
    values, modes = np.linalg.eigh(mass)
    slopes = np.diag(modes.T @ stiffness @ modes)
    sizes = (bending[0, 0] * (values[:, None] + values) + 2 * np.outer(slopes, slopes)) / re

    def change(d: np.ndarray) -> np.ndarray:
        moved = basis @ d.reshape(n, n) @ basis.T
        return (weak(psi + moved) - weak(psi - moved)).ravel() / 2  # exact: no term is above second degree

    def inverse(d: np.ndarray) -> np.ndarray:
        return (modes @ (modes.T @ d.reshape(n, n) @ modes / sizes) @ modes.T).ravel()

    matrix, before = (LinearOperator((n * n, n * n), each, dtype=float) for each in (change, inverse))
    return gmres(matrix, -weak(psi).ravel(), M=before, rtol=1e-6, restart=150, maxiter=2)[0].reshape(n, n)


def slope(psi: np.ndarray, i: int, j: int) -> np.ndarray:
    """Coefficients, the same number, of the derivative of order `i` in x and `j` in y."""
    c = 2 ** (i + j) * legendre.legder(legendre.legder(psi, i), j, axis=1)
    return np.pad(c, [(0, i), (0, j)])


def evaluate(coefficients: np.ndarray, x: np.ndarray) -> np.ndarray:
    """One series ``(n, n)``, or several ``(fields, n, n)``, at `x` ``(rows, 2)``: ``(rows,)`` or ``(rows, fields)``."""
    left, right = (legendre.legvander(2 * x[:, k] - 1, coefficients.shape[-1] - 1) for k in (0, 1))
    return np.sum(left @ coefficients * right, axis=-1).T
