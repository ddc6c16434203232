"""A damped pendulum that starts high, over lengths and dampings, with a numerical reference."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import deepxde as dde
import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor, nn

import pacpinn as pp

GRAVITY = 9.81  # m / s²
START = 2.0  # rad, 115 degrees
END = 4.0  # of the time interval, s


class Pendulum(pp.Equation):
    """θ' = w v, v' = -damping v - w sin θ with w = √(g / length) on t in [0, 4] s; θ(0) = 2, v(0) = 0.

    θ in rad from the lowest position, v = θ' / w without unit, g = 9.81 m / s². From this height a swing takes 1.33
    times as long as a small one, less after damping has reduced it (Baker & Blackburn, The Pendulum, 2005, chapter 3).
    """

    length = pp.Coefficient(0.5, low=0.5, high=4.0, scale="log", doc="m")
    damping = pp.Coefficient(0.5, low=0.1, high=4.0, scale="log", doc="per mass, 1/s")
    targets = pp.grid(length=[0.5, 1.0, 2.0], damping=[0.25, 1.0])
    inputs = ("t",)
    outputs = ("angle", "velocity")
    points = pp.Points(domain=384)
    tolerance = 2e-5
    horizons = tuple(i / 20 for i in range(2, 20))
    hidden = (28, 28)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.TimeDomain(0, END)

    def residual(self, t: Tensor, y: Tensor, c: pp.Coefficients) -> list[Tensor]:
        angle, velocity = y[:, 0:1], y[:, 1:2]
        angle_t, velocity_t = (dde.grad.jacobian(y, t, i=i) for i in range(2))
        w = frequency(c)
        return [angle_t - w * velocity, velocity_t + c.damping * velocity + w * torch.sin(angle)]

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        return [
            dde.icbc.IC(geometry, lambda t: START, lambda t, on_initial: on_initial, component=0),
            dde.icbc.IC(geometry, lambda t: 0, lambda t, on_initial: on_initial, component=1),
        ]

    def features(self, t: Tensor, c: pp.Coefficients) -> Tensor:
        return frequency(c) * t  # in this time pendulums of all lengths, undamped, swing alike

    def transform(self, t: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        return y.new_tensor([START, 0]) + torch.tanh(frequency(c) * t) * y

    def network(self, seed: int) -> nn.Module:
        # With zero biases all tanh units would have their steep part at t = 0: spread these over the longest interval.
        network = super().network(seed)
        first = network.linears[0]
        with torch.no_grad():
            torch.nn.init.normal_(first.weight)
            first.bias.copy_(-END * frequency(self.source) * torch.rand(len(first.bias)) * first.weight[:, 0])
        return network

    def reference(self, t: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return motion(frequency(c), c.damping)(t[:, 0]).T


def frequency(c: pp.Coefficients) -> float:
    """Angular frequency of small swings, 1/s."""
    return (GRAVITY / c.length) ** 0.5


@lru_cache
def motion(w: float, damping: float) -> Any:
    """Angle and velocity ``(2, times)`` as a function of times."""

    def slope(t: float, y: np.ndarray) -> tuple[float, float]:
        return w * y[1], -damping * y[1] - w * np.sin(y[0])

    tight = {"rtol": 1e-12, "atol": 1e-13, "max_step": END / 500}  # interpolation between long steps is less accurate
    return solve_ivp(slope, (0, END), (START, 0), method="DOP853", dense_output=True, **tight).sol
