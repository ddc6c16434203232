"""Kovasznay flow: steady Navier-Stokes behind a grid of rods, with its closed form as reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp


class Kovasznay(pp.Equation):
    """(w · ∇) w = -∇p + ∇²w / re, ∇ · w = 0 for w = (u, v) on x in [-1/2, 1], y in [-1/2, 3/2].

    Velocity is given on the whole boundary, pressure at the outflow, x = 1, both by the exact solution
    (Kovasznay, Proc. Cambridge Phil. Soc. 44, 1948): with l = re / 2 - √(re² / 4 + 4 pi²),
    u = 1 - e^(l x) cos(2 pi y), v = l / (2 pi) e^(l x) sin(2 pi y), p = (1 - e^(2 l x)) / 2.
    Units: the mean velocity, the rods' distance (the period in y) and the density are 1.
    """

    re = pp.Coefficient(30.0, low=20.0, high=200.0, scale="log", doc="Reynolds number")
    targets = pp.grid(re=np.geomspace(40, 160, 5))
    inputs = ("x", "y")
    outputs = ("u", "v", "p")
    points = pp.Points(domain=768, boundary=192)
    tolerance = 7e-5
    hidden = (24, 24, 24)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.Rectangle([-0.5, -0.5], [1, 1.5])

    def residual(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Sequence[Tensor]:
        u, v = y[:, 0:1], y[:, 1:2]
        u_x, u_y = (dde.grad.jacobian(y, x, i=0, j=j) for j in (0, 1))
        v_x, v_y = (dde.grad.jacobian(y, x, i=1, j=j) for j in (0, 1))
        p_x, p_y = (dde.grad.jacobian(y, x, i=2, j=j) for j in (0, 1))
        u_xx, u_yy = (dde.grad.hessian(y, x, component=0, i=j, j=j) for j in (0, 1))
        v_xx, v_yy = (dde.grad.hessian(y, x, component=1, i=j, j=j) for j in (0, 1))
        return [
            u * u_x + v * u_y + p_x - (u_xx + u_yy) / c.re,
            u * v_x + v * v_y + p_y - (v_xx + v_yy) / c.re,
            u_x + v_y,
        ]

    def conditions(self, geometry: Any, c: pp.Coefficients) -> Sequence[Any]:
        def given(column: int) -> Any:
            return lambda x: self.reference(x, c)[:, column : column + 1]

        return [
            dde.icbc.DirichletBC(geometry, given(0), lambda x, on: on, component=0),
            dde.icbc.DirichletBC(geometry, given(1), lambda x, on: on, component=1),
            dde.icbc.DirichletBC(geometry, given(2), lambda x, on: on and np.isclose(x[0], 1), component=2),
        ]

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        """Periodic in y: the boundary values have the rods' period, and so has the flow."""
        return torch.cat([x[:, 0:1], pp.periodic(x[:, 1:2], 1.0)], dim=1)

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        place, phase = x[:, 0], 2 * np.pi * x[:, 1]
        decay = np.exp(rate(c) * place)
        u, v = 1 - decay * np.cos(phase), rate(c) / (2 * np.pi) * decay * np.sin(phase)
        return np.stack([u, v, (1 - decay**2) / 2], axis=1)


def rate(c: pp.Coefficients) -> float:
    """The rate at which the rods' wake changes along x: l, which is negative."""
    return c.re / 2 - (c.re**2 / 4 + 4 * np.pi**2) ** 0.5
