"""Logistic growth of a population from a bell-shaped start, with its closed form as reference."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp


class Reaction(pp.Equation):
    """u_t = rho u (1 - u) on x in [0, 2 pi], t in [0, 1], periodic in x; u(x, 0) = e^(-8 (x / pi - 1)²).

    Networks trained from scratch fail at large rho (Krishnapriyan et al., NeurIPS 2021): where u is small, the residual
    is small with any growth rate. In closed form u = u0 e^(rho t) / (1 + u0 (e^(rho t) - 1)).
    """

    rho = pp.Coefficient(1.0, low=0.1, high=10.0, scale="log", doc="rate of growth, 1 / time")
    targets = pp.grid(rho=[2, 3, 4, 5, 6, 7, 8, 9, 10])
    points = pp.Points(domain=1024)
    tolerance = 1e-4
    hidden = (20, 20, 20)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(0, 2 * np.pi), dde.geometry.TimeDomain(0, 1))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        """For the logarithm of u, so that growth rates of small and large u count alike."""
        return dde.grad.jacobian(u, x, j=1) / u - c.rho * (1 - u)

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        """Time, and the distance from the middle, on which alone u depends in x; it makes u periodic and smooth."""
        return torch.cat([2 * distance(x) - 1, 2 * x[:, 1:2] - 1], dim=1)

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        # The logarithm lets a network represent small values as accurately as large ones.
        return torch.exp(-8 * distance(x) + c.rho * x[:, 1:2] * y)

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        return [dde.icbc.IC(geometry, lambda x: self.reference(x, c), lambda _, on_initial: on_initial)]

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        start = np.exp(-8 * (x[:, 0:1] / np.pi - 1) ** 2)
        return start / (start + (1 - start) * np.exp(-c.rho * x[:, 1:2]))


def distance(x: Tensor) -> Tensor:
    """Squared distance from the middle, in units of half the period."""
    return (x[:, 0:1] / torch.pi - 1) ** 2
