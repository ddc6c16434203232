"""Heat conduction in a rod over a range of diffusivities, with its Fourier series as reference."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp


class Heat(pp.Equation):
    """u_t = alpha u_xx on x in [0, 1], t in [0, 1]; u(x, 0) = 16/5 (x - 2 x³ + x⁴), u(0, t) = u(1, t) = 0.

    The rod starts with temperature 1 at its middle and is held at 0 at its ends. Solution by separation of variables:
    u = 16/5 Σ 96 / (n pi)⁵ sin(n pi x) exp(-alpha n² pi² t) over odd n (Carslaw & Jaeger 1959, section 3.3).
    """

    alpha = pp.Coefficient(0.5, low=0.01, high=1.0, scale="log", doc="thermal diffusivity")
    targets = pp.grid(alpha=np.geomspace(0.4, 0.02, 8))
    points = pp.Points(domain=512)
    tolerance = 2e-5
    hidden = (20, 20, 20)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        u_t = dde.grad.jacobian(u, x, j=1)
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        return u_t - c.alpha * u_xx

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        elapsed = torch.pi**2 * c.alpha * time  # in decay times, so that y has one size for every alpha
        return initial(place) + elapsed / (1 + elapsed) * place * (1 - place) * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        return [
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda _, on_boundary: on_boundary),
            dde.icbc.IC(
                geometry,
                lambda x: 16 / 5 * (x[:, 0:1] - 2 * x[:, 0:1] ** 3 + x[:, 0:1] ** 4),
                lambda _, on_initial: on_initial,
            ),
        ]

    def place(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        place, time = x[:, 0:1], x[:, 1:2]
        return np.hstack([place, time * (1 + 2 * time**2) / 3])  # denser where the rod cools fastest

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        n = np.arange(1, 200, 2)  # the omitted terms sum to less than 1e-10
        place, time = x[:, 0:1], x[:, 1:2]
        waves = np.sin(n * np.pi * place) * np.exp(-c.alpha * (n * np.pi) ** 2 * time)
        return 16 / 5 * waves @ (96 / (n * np.pi) ** 5)[:, None]


def initial(place: Any) -> Any:
    """u at the start, of tensors and of arrays."""
    return 16 / 5 * (place - 2 * place**3 + place**4)
