"""The Allen-Cahn equation down to sharp interfaces, with a spectral solution as reference."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import deepxde as dde
import numpy as np
import torch
from numpy.polynomial import chebyshev
from scipy.integrate import solve_ivp
from torch import Tensor

import pacpinn as pp


class AllenCahn(pp.Equation):
    """u_t = d u_xx + 5 (u - u³) on x in [-1, 1], t in [0, 1]; u(x, 0) = x² cos(pi x), u(-1, t) = u(1, t) = -1.

    Two phases, u = 1 and u = -1, are separated by interfaces of width √d (Allen & Cahn, Acta Metallurgica 27, 1979).
    With d = 0.001 it is a standard test of networks from scratch (DeepXDE's example; Wight & Zhao, arXiv:2007.04542).
    """

    d = pp.Coefficient(0.02, low=0.001, high=0.05, scale="log", doc="diffusivity")
    targets = pp.grid(d=np.geomspace(0.02, 0.001, 9)[1:])
    points = pp.Points(domain=2048)
    tolerance = 1e-4
    hidden = (24, 24, 24)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        u_t = dde.grad.jacobian(u, x, j=1)
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        return u_t - c.d * u_xx - 5 * (u - u**3)

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        """All even in x, as u is: place, time, the interface at rest and as it forms, the boundary layer, growth."""
        square, time = x[:, 0:1] ** 2, x[:, 1:2]
        interface = torch.tanh((square - 1 / 4) / (2 * c.d**0.5))  # 3 times as wide as tanh((x - 1/2) √(5 / 2d))
        layer = diffused((1 - square) / 2, c.d * (time + 0.02))
        growth = torch.expm1(5 * time) / (torch.e**5 - 1)
        return torch.cat(
            [2 * square - 1, 2 * time - 1, interface, arrested(x, c), 2 * layer - 1, 2 * growth - 1], dim=1
        )

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        # At the ends u_t = 0, yet d u_xx = (pi² - 2) d at t = 0: this feature represents the layer that spreads from
        # there.
        spread = (torch.pi**2 - 2) * c.d * time * (1 - diffused((1 - place**2) / 2, c.d * time))
        return initial(place) + spread + time * (1 - place**2) * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        return [
            dde.icbc.DirichletBC(geometry, lambda x: -1, lambda _, on_boundary: on_boundary),
            dde.icbc.IC(
                geometry, lambda x: x[:, 0:1] ** 2 * np.cos(np.pi * x[:, 0:1]), lambda _, on_initial: on_initial
            ),
        ]

    def place(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        """A fifth of the points lies near the interface and at late times, when it is sharpest."""
        place, time, width = np.abs(x[:, 0:1]), x[:, 1:2], 1.5 * c.d**0.5
        crowded = 1 / 2 + width * np.sinh((2 * place - 1) * np.arcsinh(1 / 2 / width))
        return np.where(np.arange(len(x))[:, None] % 5 == 4, np.hstack([crowded, time * (2 - time)]), x)

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return evaluate(spectral(c.d), x[:, 0], x[:, 1])[:, None]


def initial(place: Tensor) -> Tensor:
    """u at the start."""
    return place**2 * torch.cos(torch.pi * place)


def arrested(x: Tensor, c: pp.Coefficients) -> Tensor:
    """The reaction's own solution, u0 / √(u0² + (1 - u0²) e^(-10 t)), with a limited slope.

    Where u0 = 0 the slope u0' e^(5 t) has no bound; the term d / 4 under the root limits it to 2 |u0'| / √d, about the
    slope √(5 / 2d) of the interface at rest.
    """
    u0, decay = initial(x[:, 0:1]), torch.exp(-10 * x[:, 1:2])
    return u0 / torch.sqrt(u0**2 + (1 - u0**2) * (decay + c.d / 4 * (1 - decay)))


def diffused(place: Tensor, time: Tensor) -> Tensor:
    """4 i²erfc(x / √(4 t)): the diffusion up to `time` at `place` of a level that rises linearly, to 1, at x = 0.

    Carslaw & Jaeger, Conduction of Heat in Solids, 1959, section 2.5.
    """
    s = place / torch.sqrt(4 * time + 1e-12)  # finite at the start too
    return (1 + 2 * s**2) * torch.erfc(s) - 2 / torch.pi**0.5 * s * torch.exp(-(s**2))


@lru_cache
def spectral(d: float, accuracy: float = 1e-6) -> np.ndarray:
    """Chebyshev coefficients of the solution in 2 x² - 1 and 2 t - 1, for :func:`evaluate`.

    Resolution is doubled until two successive solutions agree to `accuracy`; the last one is an order better.

    Raises:
        ArithmeticError: if they do not by degree 512, which happens only far below the range of :class:`AllenCahn`.
    """
    x, t = np.random.default_rng(0).uniform([[-1], [0]], 1, (2, 4000))
    before = np.full(len(x), np.nan)
    for degree in (64, 128, 256, 512):
        coefficients = collocated(d, degree, degree // 2)
        u = evaluate(coefficients, x, t)
        if np.allclose(u, before, rtol=0, atol=accuracy):
            return coefficients
        before = u
    raise ArithmeticError(f"the spectral solution at d={d:g} does not settle by degree 512; expected d >= 0.001")


def collocated(d: float, degree: int, time_degree: int) -> np.ndarray:
    """Coefficients ``(degree + 1, time_degree + 1)`` by Chebyshev collocation in s = 2 x² - 1, of which u is a smooth
    function, and LSODA in time (method of lines; Trefethen, Spectral Methods in MATLAB, 2000, chapter 6)."""
    s, tau = chebyshev.chebpts2(degree + 1), chebyshev.chebpts2(time_degree + 1)
    x = np.sqrt((1 + s) / 2)
    to_coefficients = np.linalg.inv(chebyshev.chebvander(s, degree))
    slope = chebyshev.chebval(s, chebyshev.chebder(np.eye(degree + 1))).T @ to_coefficients  # d/ds on the nodes
    diffusion = d * (16 * x[:, None] ** 2 * slope @ slope + 4 * slope)  # d² / dx² by the chain rule
    held = np.append(np.ones(degree), 0)  # the last node is x = 1

    solution = solve_ivp(
        lambda t, u: held * (diffusion @ u + 5 * (u - u**3)),
        (0, 1),
        x**2 * np.cos(np.pi * x),
        method="LSODA",
        t_eval=(1 + tau) / 2,
        jac=lambda t, u: held[:, None] * (diffusion + np.diag(5 - 15 * u**2)),
        rtol=1e-11,
        atol=1e-11,
    )
    if not solution.success:
        raise ArithmeticError(f"no solution of the Allen-Cahn equation at d={d:g}: {solution.message}")
    return np.linalg.solve(chebyshev.chebvander(tau, time_degree), (to_coefficients @ solution.y).T).T


def evaluate(coefficients: np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """u ``(rows,)`` at `x` and `t` ``(rows,)``."""
    rows, columns = (n - 1 for n in coefficients.shape)
    return np.sum(chebyshev.chebvander(2 * x**2 - 1, rows) @ coefficients * chebyshev.chebvander(2 * t - 1, columns), 1)
