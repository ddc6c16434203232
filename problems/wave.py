"""A vibrating string over a range of wave speeds, with its standing waves as reference."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp


class Wave(pp.Equation):
    """u_tt = speed² u_xx on x in [-1, 1], t in [0, 2]; u(±1, t) = 0, u_t(x, 0) = 0.

    A string with fixed ends starts at rest in its first two harmonics, u(x, 0) = cos(pi x / 2) + sin(pi x) / 2, which
    vibrate independently; at speed 2 the first has one period in the interval (Strauss, Partial Differential Equations,
    2008, section 4.1).
    """

    speed = pp.Coefficient(0.5, low=0.1, high=2.0, scale="log", doc="wave speed, length / time")
    targets = pp.grid(speed=np.geomspace(0.5, 2.0, 9)[1:])
    points = pp.Points(domain=1024)
    tolerance = 1e-4
    hidden = (24, 24, 24)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 2))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        u_tt = dde.grad.hessian(u, x, i=1, j=1)
        return u_tt - c.speed**2 * u_xx

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        initial = torch.cos(torch.pi * place / 2) + torch.sin(torch.pi * place) / 2
        angle = torch.pi / 2 * c.speed * time  # of the first harmonic, so that y has one size for every speed
        return initial + angle**2 / (1 + angle**2) * (1 - place**2) * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        def at_start(x: np.ndarray, _: Any) -> bool:
            return bool(dde.utils.isclose(x[1], 0))

        return [
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda _, on_boundary: on_boundary),
            dde.icbc.IC(geometry, lambda x: self.reference(x, c), lambda _, on_initial: on_initial),
            dde.icbc.OperatorBC(geometry, lambda x, u, _: dde.grad.jacobian(u, x, j=1), at_start),
        ]

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        place, angle = x[:, 0:1], np.pi / 2 * c.speed * x[:, 1:2]
        return np.cos(np.pi * place / 2) * np.cos(angle) + np.sin(np.pi * place) / 2 * np.cos(2 * angle)
