"""A membrane driven below its first resonance, with the series of its modes as reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import deepxde as dde
import numpy as np
import torch
from scipy.special import iv
from torch import Tensor

import pacpinn as pp


class Helmholtz(pp.Equation):
    """u_xx + u_yy + k² u = -f on the unit square, u = 0 on its edges;
    f = sin(pi x) sin(pi y) e^(cos(pi x) - cos(pi y)) / 4.

    The Helmholtz equation proper, with k below the first resonance √2 pi = 4.44: near it the source, which is not
    centred, excites the whole membrane in its first mode. Solution by modes (Courant & Hilbert 1953, chapter V, section
    5), in which sin(s) e^(a cos(s)) = Σ 2 n / a I_n(a) sin(n s). Lengths are in sides of the square, k in radians a
    side.
    """

    k = pp.Coefficient(1.0, low=0.1, high=4.4, scale="log", doc="wave number")
    targets = pp.grid(k=[2.0, 3.0, 3.5, 3.8, 4.0, 4.2])
    inputs = ("x", "y")
    points = pp.Points(domain=768)
    tolerance = 3e-5
    hidden = (20, 20, 20)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.Rectangle([0, 0], [1, 1])

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        u_yy = dde.grad.hessian(u, x, i=1, j=1)
        across, up = torch.pi * x[:, 0:1], torch.pi * x[:, 1:2]
        f = torch.sin(across) * torch.sin(up) * torch.exp(torch.cos(across) - torch.cos(up))
        return u_xx + u_yy + c.k**2 * u + f / 4

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        across, up = x[:, 0:1], x[:, 1:2]
        return across * (1 - across) * up * (1 - up) * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> Sequence[Any]:
        return [dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on)]

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        n = np.arange(1, 16)  # the omitted terms are less than 1e-16
        falling = 2 * n * iv(n, 1.0) / 2  # amplitudes of sin(s) e^(cos(s)); of e^(-cos(s)) they alternate
        source = np.outer(falling, falling * (-1.0) ** (n + 1))
        modes = source / (np.pi**2 * (n[:, None] ** 2 + n**2) - c.k**2)
        across, up = (np.sin(np.pi * n * x[:, j : j + 1]) for j in (0, 1))
        return np.sum(across @ modes * up, axis=1, keepdims=True)
