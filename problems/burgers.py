"""Viscous Burgers' equation over a range of viscosities, with the Cole-Hopf solution as reference."""

from __future__ import annotations

import math
from typing import Any

import deepxde as dde
import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor

import pacpinn as pp


class Burgers(pp.Equation):
    """u_t + u u_x = nu u_xx on x in [-1, 1], t in [0, 1]; u(x, 0) = -sin(pi x), u(-1, t) = u(1, t) = 0.

    The smaller nu, the steeper the front that forms at x = 0 (Basdevant et al., Computers & Fluids 14, 1986).
    """

    nu = pp.Coefficient(0.05, low=0.003, high=1.0, scale="log", doc="kinematic viscosity")
    targets = pp.grid(nu=[0.04, 0.033, 0.027, 0.022, 0.018, 0.015, 0.012, 0.01])
    points = pp.Points(domain=1536)
    tolerance = 8e-5
    hidden = (28, 28, 28)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        u_x = dde.grad.jacobian(u, x, j=0)
        u_t = dde.grad.jacobian(u, x, j=1)
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        return u_t + u * u_x - c.nu * u_xx

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        return -torch.sin(torch.pi * place) + time * (1 - place**2) * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        return [
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda _, on_boundary: on_boundary),
            dde.icbc.IC(geometry, lambda x: -np.sin(np.pi * x[:, 0:1]), lambda _, on_initial: on_initial),
        ]

    def place(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        place, time = x[:, 0:1], x[:, 1:2]
        return np.hstack([place * (1 + 2 * place**2) / 3, time])  # denser towards the front

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return cole_hopf(x[:, 0], x[:, 1], c.nu)[:, None]


def cole_hopf(x: np.ndarray, t: np.ndarray, nu: float, accuracy: float = 1e-10) -> np.ndarray:
    """Exact u ``(rows,)`` at `x` and `t` ``(rows,)`` (Cole 1951; Hopf 1950), by a quadrature with an error check.

    The nodes are doubled until two successive results agree to `accuracy`.

    Raises:
        ArithmeticError: if they do not within 10,000 nodes, which happens only far below the range of :class:`Burgers`.
    """
    end = np.sqrt(40 + 1 / (np.pi * nu))
    nodes = math.ceil(4 * end)  # spacing 1/2: up to t = 1 the integrand's peaks are wider than 1/3
    before = np.full(len(x), np.nan)
    while nodes <= 10_000:
        u = mean_initial_velocity(x, t, nu, np.linspace(-end, end, nodes))
        if np.allclose(u, before, rtol=0, atol=accuracy):
            return u
        before, nodes = u, 2 * nodes
    raise ArithmeticError(
        f"the Cole-Hopf quadrature at nu={nu:g} does not settle within 10,000 nodes; expected nu >= 1e-5 and t <= 1"
    )


def mean_initial_velocity(x: np.ndarray, t: np.ndarray, nu: float, q: np.ndarray) -> np.ndarray:
    """u(x, t) = ∫ u_0(y) e^E dq / ∫ e^E dq with y = x - 2 √(nu t) q and E = -q² - cos(pi y) / (2 pi nu).

    By the trapezoidal rule on the nodes `q`, which converges exponentially; at the first and last node e^E must be
    negligible.
    """
    u = np.empty(len(x))
    for rows in np.array_split(np.arange(len(x)), 1 + x.size * q.size // 2**20):  # limits the memory
        y = x[rows, None] - 2 * np.sqrt(nu * t[rows, None]) * q
        weights = softmax(-(q**2) - np.cos(np.pi * y) / (2 * np.pi * nu), axis=1)
        u[rows] = np.sum(weights * -np.sin(np.pi * y), axis=1)
    return u
