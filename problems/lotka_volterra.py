"""Predators and prey over the speed of their cycles, with a numerical reference."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import deepxde as dde
import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor, nn

import pacpinn as pp

UNIT = 200  # individuals
START = (100 / UNIT, 15 / UNIT)
SMALL_CYCLES = math.sqrt(2 * 1.06)  # their angular frequency at rate 1


class LotkaVolterra(pp.Equation):
    """r' = rate (2 r - 0.04 U r p), p' = rate (0.02 U r p - 1.06 p) on t in [0, 1]; r(0) = 100 / U, p(0) = 15 / U.

    Prey r and predators p in units of U = 200 individuals, as DeepXDE's example states them at rate 20, where they go
    through four cycles; at rate 5 it is one (Lotka 1925; Murray, Mathematical Biology I, 2002, section 3.1). Without
    units of time. Prey rises and falls 27-fold, predators 10-fold.
    """

    rate = pp.Coefficient(10.0, low=5.0, high=20.0, scale="log", doc="speed of the cycles: time in the interval")
    targets = pp.grid(rate=[5.0, 6.0, 7.0, 8.5, 12.0, 14.0, 17.0, 20.0])
    inputs = ("t",)
    outputs = ("prey", "predators")
    points = pp.Points(domain=384)
    tolerance = 1e-5
    horizons = tuple(i / 10 for i in range(1, 10))
    hidden = (32, 32)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.TimeDomain(0, 1)

    def residual(self, t: Tensor, y: Tensor, c: pp.Coefficients) -> list[Tensor]:
        """For the logarithms of r and p, so that growth rates of small and large populations count alike."""
        r, p = y[:, 0:1], y[:, 1:2]
        r_t, p_t = (dde.grad.jacobian(y, t, i=i) for i in range(2))
        return [r_t / r - c.rate * (2 - 0.04 * UNIT * p), p_t / p - c.rate * (0.02 * UNIT * r - 1.06)]

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        def starts(i: int) -> Any:
            return dde.icbc.IC(geometry, lambda t: START[i], lambda t, on_initial: on_initial, component=i)

        return [starts(i) for i in range(2)]

    def features(self, t: Tensor, c: pp.Coefficients) -> Tensor:
        """Time, and the phase of small cycles: the cycles here are longer and lag behind, more so at high rates."""
        phase = SMALL_CYCLES * c.rate * t
        return torch.cat([t, torch.cos(phase), torch.sin(phase)], dim=1)

    def transform(self, t: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        return y.new_tensor(START) * torch.exp(torch.tanh(c.rate * t) * y)

    def place(self, t: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        """Denser towards both ends, where a network has training points on one side only."""
        return t.max() * np.sin(np.pi / 2 * t / t.max()) ** 2

    def network(self, seed: int) -> nn.Module:
        # With zero biases all tanh units would have their steep part at t = 0: spread these over the interval.
        network = super().network(seed)
        first = network.linears[0]
        with torch.no_grad():
            torch.nn.init.normal_(first.weight)
            turns = self.features(torch.rand(len(first.bias), 1), self.source)
            first.bias.copy_(-(turns * first.weight).sum(1))
        return network

    def reference(self, t: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return populations(c.rate)(t[:, 0]).T


@lru_cache
def populations(rate: float) -> Any:
    """Prey and predators ``(2, times)`` as a function of times."""

    def slope(t: float, y: np.ndarray) -> tuple[float, float]:
        r, p = UNIT * y
        return rate / UNIT * (2 * r - 0.04 * r * p), rate / UNIT * (0.02 * r * p - 1.06 * p)

    tight = {"rtol": 1e-12, "atol": 1e-13, "max_step": 1 / 1000}  # interpolation between long steps is less accurate
    return solve_ivp(slope, (0, 1), START, method="DOP853", dense_output=True, **tight).sol
