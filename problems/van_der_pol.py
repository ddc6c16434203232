"""The van der Pol oscillator, from nearly harmonic to relaxation, with a numerical reference."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import deepxde as dde
import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor, nn

import pacpinn as pp

START = 2.0
END = 7.0  # of the time interval


class VanDerPol(pp.Equation):
    """x'' - mu (1 - x²) x' + x = 0 on t in [0, 7], as x' = mu (x - x³/3 - y), y' = x / mu; x(0) = 2, x'(0) = 0.

    In Liénard's variables, where y stays smooth as x begins to jump (van der Pol, Phil. Mag. 2, 1926; Hairer & Wanner,
    Solving Ordinary Differential Equations II, 1996, section IV.1). Without units. At mu = 5 the interval contains one
    slow phase, one jump and the time after it; at mu = 1.25 one whole smooth cycle.
    """

    mu = pp.Coefficient(2.5, low=1.0, high=5.0, scale="log", doc="strength of the nonlinear friction")
    targets = pp.grid(mu=[1.25, 1.6, 2.0, 3.0, 3.5, 4.0, 4.5, 5.0])
    inputs = ("t",)
    outputs = ("x", "y")
    points = pp.Points(domain=384)
    tolerance = 1e-5
    horizons = tuple(i / 8 for i in range(1, 8))
    hidden = (32, 32)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.TimeDomain(0, END)

    def residual(self, t: Tensor, u: Tensor, c: pp.Coefficients) -> list[Tensor]:
        x, y = u.split(1, dim=1)
        x_t, y_t = (dde.grad.jacobian(u, t, i=i) for i in range(2))
        return [x_t - c.mu * (x - x**3 / 3 - y), y_t - x / c.mu]

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        return [
            dde.icbc.IC(geometry, lambda t: START, lambda t, on_initial: on_initial, component=0),
            dde.icbc.IC(geometry, lambda t: START - START**3 / 3, lambda t, on_initial: on_initial, component=1),
        ]

    def features(self, t: Tensor, c: pp.Coefficients) -> Tensor:
        return torch.cat([t, torch.tanh(c.mu * (t - jump(c)))], dim=1)  # a jump takes a time of about 1 / mu

    def transform(self, t: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        return u.new_tensor([START, START - START**3 / 3]) + torch.tanh(t) * u

    def place(self, t: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        """Denser towards both ends, where a network has training points on one side only."""
        return t.max() * np.sin(np.pi / 2 * t / t.max()) ** 2

    def network(self, seed: int) -> nn.Module:
        # With zero biases all tanh units would have their steep part at t = 0: spread these over the interval.
        network = super().network(seed)
        first = network.linears[0]
        with torch.no_grad():
            torch.nn.init.normal_(first.weight)
            turns = self.features(END * torch.rand(len(first.bias), 1), self.source)
            first.bias.copy_(-(turns * first.weight).sum(1))
        return network

    def reference(self, t: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return motion(c.mu)(t[:, 0]).T


def jump(c: pp.Coefficients) -> float:
    """Roughly when x first passes 0: mu (3/2 - log 2) for the slow phase from 2 to 1, and about 1.2 to leave it.

    The 1.2 is not from theory but from numerical solutions, which take 1.1 (mu = 5) to 1.3 (mu = 1.25).
    """
    return c.mu * (3 / 2 - np.log(2)) + 1.2


@lru_cache
def motion(mu: float) -> Any:
    """x and y ``(2, times)`` as a function of times."""

    def slope(t: float, u: np.ndarray) -> tuple[float, float]:
        x, y = u
        return mu * (x - x**3 / 3 - y), x / mu

    tight = {"rtol": 1e-12, "atol": 1e-13, "max_step": END / 1000}  # interpolation between long steps is less accurate
    return solve_ivp(slope, (0, END), (START, START - START**3 / 3), method="DOP853", dense_output=True, **tight).sol
