"""A system that remembers its past: an integro-differential equation, with its closed form as reference."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp


class Volterra(pp.GivenEquation):
    """u' + u = strength ∫_0^t e^(s - t) u(s) ds on t in [0, 3]; u(0) = 1.

    An equation with fading memory (Volterra 1930); with strength 1 DeepXDE's example. The integral v obeys v' = u - v,
    hence u = e^(-t) cosh(√strength t): with strength 1 memory and decay balance each other. The unit of time is that
    over which the memory fades.
    """

    strength = pp.Coefficient(1.0, low=0.1, high=4.0, scale="log", doc="strength of the memory, 1 / time²")
    targets = pp.grid(strength=[0.25, 0.5, 1.5, 2.0, 2.5])
    inputs = ("t",)
    tolerance = 5e-5
    hidden = (16, 16)

    def data(self, c: pp.Coefficients) -> Any:
        def equation(t: Tensor, u: Tensor, weights: np.ndarray) -> Tensor:
            remembered = torch.as_tensor(weights, dtype=u.dtype) @ u
            rows = len(remembered)
            return dde.grad.jacobian(u, t)[:rows] + u[:rows] - c.strength * remembered

        time = dde.geometry.TimeDomain(0, 3)
        kernel = {"quad_deg": 16, "kernel": lambda t, s: np.exp(s - t)}
        return dde.data.IDE(time, equation, [], num_domain=48, num_boundary=2, **kernel)

    def transform(self, t: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        return 1 + t * y

    def reference(self, t: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return np.exp(-t) * np.cosh(c.strength**0.5 * t)
