"""Heat conduction in a square plate over a range of diffusivities, exact by separation of variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp

MODES = ((1, 1, 1.0), (2, 1, 0.5), (1, 2, -0.25), (2, 2, 0.5))  # half-waves in x, in y, amplitude at the start


class Heat2D(pp.Equation):
    """u_t = alpha (u_xx + u_yy) on the unit square, t in [0, 1], u = 0 on its edges, from four modes at t = 0.

    u = Σ a sin(m pi x) sin(n pi y) e^(-alpha (m² + n²) pi² t) (Carslaw & Jaeger 1959, section 5.6): at the start
    a corner is hot; heat spreads to the middle as the finer modes decay first. The unit of length is the side.
    """

    alpha = pp.Coefficient(0.05, low=0.01, high=0.25, scale="log", doc="thermal diffusivity")
    targets = pp.grid(alpha=[0.02, 0.03, 0.08, 0.12, 0.2])
    inputs = ("x", "y", "t")
    points = pp.Points(domain=1024)
    tolerance = 5e-4
    hidden = (20, 20, 20)

    def geometry(self, c: pp.Coefficients) -> Any:
        square = dde.geometry.Rectangle([0, 0], [1, 1])
        return dde.geometry.GeometryXTime(square, dde.geometry.TimeDomain(0, 1))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        u_t = dde.grad.jacobian(u, x, j=2)
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        u_yy = dde.grad.hessian(u, x, i=1, j=1)
        return u_t - c.alpha * (u_xx + u_yy)

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        across, up, time = (torch.pi * x[:, j : j + 1] for j in range(3))
        elapsed = 2 * torch.pi * c.alpha * time  # in decay times of the slowest mode: y has one size for every alpha
        start = sum(a * torch.sin(m * across) * torch.sin(n * up) for m, n, a in MODES)
        edges = 16 * x[:, 0:1] * (1 - x[:, 0:1]) * x[:, 1:2] * (1 - x[:, 1:2])
        return torch.exp(-elapsed) * (start + elapsed / (1 + elapsed) * edges * y)

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> Sequence[Any]:
        return [
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on),
            dde.icbc.IC(geometry, lambda x: self.reference(x, c), lambda x, initial: initial),
        ]

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        across, up, time = (np.pi * x[:, j : j + 1] for j in range(3))
        return sum(
            a * np.sin(m * across) * np.sin(n * up) * np.exp(-c.alpha * (m**2 + n**2) * np.pi * time)
            for m, n, a in MODES
        )
