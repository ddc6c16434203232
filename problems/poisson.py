"""Heat conduction in a pipe whose conductivity grows with temperature, exact by Kirchhoff's transform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp

HOLE = 0.25  # its radius; that of the disk is the unit of length


class Poisson(pp.Equation):
    """∇ · (k ∇u) + q = 0 with k = 1 + (beta u)² on the unit disk without the disk of radius 1/4 about its centre.

    The hole is held at u = 0. Through the rim there is a flux of 2 x: heat enters on the right and leaves on the
    left. Kirchhoff's transform w = u + beta² u³ / 3 (Carslaw & Jaeger 1959, section 2.16) has ∇w = k ∇u and makes this
    Poisson's equation for w. Units: the rim's radius, the conductivity at u = 0, and a temperature.
    """

    beta = pp.Coefficient(1.0, low=0.1, high=4.0, scale="log", doc="growth of conductivity with temperature")
    q = pp.Coefficient(1.0, low=-4.0, high=4.0, doc="heat source")
    targets = pp.grid(beta=[0.5, 1.0, 2.0], q=[0.0, 2.0])
    inputs = ("x", "y")
    points = pp.Points(domain=1024, boundary=192)
    tolerance = 5e-5
    hidden = (24, 24, 24)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.CSGDifference(dde.geometry.Disk([0, 0], 1), dde.geometry.Disk([0, 0], HOLE))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        u_x, u_y = (dde.grad.jacobian(u, x, j=j) for j in (0, 1))
        laplacian = dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)
        return (1 + (c.beta * u) ** 2) * laplacian + 2 * c.beta**2 * u * (u_x**2 + u_y**2) + c.q

    def conditions(self, geometry: Any, c: pp.Coefficients) -> Sequence[Any]:
        def rim(x: np.ndarray, on: bool) -> bool:
            return on and np.hypot(*x) > (1 + HOLE) / 2

        def slope(x: np.ndarray, u: Tensor) -> Tensor:
            return 2 * u.new_tensor(x[:, 0:1]) / (1 + (c.beta * u) ** 2)

        return [
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on and not rim(x, on)),
            dde.icbc.RobinBC(geometry, slope, rim),
        ]

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        """Place and log r, of which the steep field around the hole is a smooth function."""
        return torch.cat([x, torch.log(torch.sum(x**2, 1, keepdim=True)) / 2], dim=1)

    def place(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        """Half of the points are spaced evenly in log r, which puts more of them where the field is steep."""
        r2 = np.sum(x**2, axis=1, keepdims=True)
        even = HOLE ** ((1 - r2) / (1 - HOLE**2)) / r2**0.5
        return np.where(np.arange(len(x))[:, None] % 2, x, x * even)

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        r2 = np.sum(x**2, axis=1, keepdims=True)
        heated = 2 / (1 + HOLE**2) * x[:, 0:1] * (1 - HOLE**2 / r2)  # w = 0 on the hole, dw/dr = 2 x on the rim
        source = c.q / 4 * (HOLE**2 - r2 + np.log(r2 / HOLE**2))
        # u + beta² u³ / 3 = w by the identity sinh(3 s) = 3 sinh(s) + 4 sinh³(s) with beta u = 2 sinh(s)
        return 2 / c.beta * np.sinh(np.arcsinh(3 / 2 * c.beta * (heated + source)) / 3)
