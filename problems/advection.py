"""A wave transported at a range of speeds, with the exact solution as reference."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp


class Advection(pp.Equation):
    """u_t + beta u_x = 0 on x in [0, 2 pi], t in [0, 1], periodic in x; u(x, 0) = sin x.

    Networks trained from scratch fail at large beta (Krishnapriyan et al., NeurIPS 2021). u = sin(x - beta t).
    """

    beta = pp.Coefficient(1.0, low=0.1, high=50.0, doc="speed")
    targets = pp.grid(beta=range(2, 31))
    points = pp.Points(domain=1536)
    tolerance = 2e-4

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(0, 2 * np.pi), dde.geometry.TimeDomain(0, 1))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        u_x = dde.grad.jacobian(u, x, j=0)
        u_t = dde.grad.jacobian(u, x, j=1)
        return u_t + c.beta * u_x

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        return torch.cat([pp.periodic(place, 2 * np.pi), time], dim=1)

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        return torch.sin(place) + time * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        return [dde.icbc.IC(geometry, lambda x: np.sin(x[:, 0:1]), lambda _, on_initial: on_initial)]

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return np.sin(x[:, 0:1] - c.beta * x[:, 1:2])
