"""The Lorenz system below chaos, over its three coefficients, with a numerical reference."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import deepxde as dde
import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor, nn

import pacpinn as pp

START = (-8.0, 7.0, 27.0)
END = 2.0  # of the time interval


class Lorenz(pp.Equation):
    """x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z on t in [0, 2]; x(0) = -8, y(0) = 7, z(0) = 27.

    A fluid heated from below (Lorenz, J. Atmos. Sci. 20, 1963; DeepXDE's example), without units. It spirals into
    steady rolls; chaos begins at rho = 24.7 (sigma 10). An error at the start, linearised, grows in the interval at
    most 1.6-fold for all default targets, 6-fold at sigma 5, rho 22; at rho = 28 it would grow 98-fold.
    """

    sigma = pp.Coefficient(10.0, low=5.0, high=20.0, scale="log", doc="Prandtl number")
    rho = pp.Coefficient(15.0, low=12.0, high=22.0, doc="Rayleigh number, 1 where convection begins")
    beta = pp.Coefficient(8 / 3, low=2.0, high=4.0, doc="depends on the rolls' width")
    targets = (*pp.grid(sigma=[5.0, 7.5, 15.0, 20.0]), *pp.grid(rho=[12.5, 17.5, 20.0]))
    inputs = ("t",)
    outputs = ("x", "y", "z")
    points = pp.Points(domain=320)
    tolerance = 5e-5
    horizons = tuple(i / 8 for i in range(1, 8))
    hidden = (32, 32)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.TimeDomain(0, END)

    def residual(self, t: Tensor, u: Tensor, c: pp.Coefficients) -> list[Tensor]:
        x, y, z = u.split(1, dim=1)
        x_t, y_t, z_t = (dde.grad.jacobian(u, t, i=i) for i in range(3))
        return [x_t - c.sigma * (y - x), y_t - x * (c.rho - z) + y, z_t - x * y + c.beta * z]

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        def starts(i: int) -> Any:
            return dde.icbc.IC(geometry, lambda t: START[i], lambda t, on_initial: on_initial, component=i)

        return [starts(i) for i in range(3)]

    def features(self, t: Tensor, c: pp.Coefficients) -> Tensor:
        return torch.cat([frequency(c) * t, torch.exp(-c.sigma * t)], dim=1)  # all oscillate alike; x follows y

    def transform(self, t: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        return y.new_tensor(START) - torch.expm1(-c.sigma * t) * y

    def place(self, t: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        """Denser towards both ends, where a network has training points on one side only."""
        return t.max() * np.sin(np.pi / 2 * t / t.max()) ** 2

    def network(self, seed: int) -> nn.Module:
        # With zero biases all tanh units would have their steep part at t = 0: spread these over the interval.
        network = super().network(seed)
        first = network.linears[0]
        with torch.no_grad():
            torch.nn.init.normal_(first.weight[:, 0], std=1)
            first.bias.copy_(-END * frequency(self.source) * torch.rand(len(first.bias)) * first.weight[:, 0])
        return network

    def reference(self, t: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return trajectory(c.sigma, c.rho, c.beta)(t[:, 0]).T


def frequency(c: pp.Coefficients) -> float:
    """Of small swings about steady rolls, within 3 percent, 1 / time."""
    return (2 * c.beta * c.sigma * (c.rho - 1) / (c.sigma + c.beta + 1)) ** 0.5


@lru_cache
def trajectory(sigma: float, rho: float, beta: float) -> Any:
    """x, y and z ``(3, times)`` as a function of times."""

    def slope(t: float, u: np.ndarray) -> tuple[float, float, float]:
        x, y, z = u
        return sigma * (y - x), x * (rho - z) - y, x * y - beta * z

    tight = {"rtol": 1e-12, "atol": 1e-12, "max_step": END / 1000}  # interpolation between long steps is less accurate
    return solve_ivp(slope, (0, END), START, method="DOP853", dense_output=True, **tight).sol
