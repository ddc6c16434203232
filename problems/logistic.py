"""Logistic growth over rates and capacities, with its closed form as reference."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
from torch import Tensor

import pacpinn as pp

START = 0.1  # of the population, in the unit of its capacity
END = 6.0  # of the time interval


class Logistic(pp.Equation):
    """u' = rate u (1 - u / capacity) on t in [0, 6]; u(0) = 0.1.

    A population that grows until it reaches its capacity (Verhulst 1838; Murray, Mathematical Biology I, 2002, section
    1.1). Without units. Slow targets hardly leave the exponential growth; fast ones reach the capacity at a third of
    the time.
    """

    rate = pp.Coefficient(1.0, low=0.5, high=4.0, scale="log", doc="rate of growth, 1 / time")
    capacity = pp.Coefficient(1.0, low=0.5, high=2.0, scale="log", doc="final population")
    targets = pp.grid(rate=[0.5, 1.0, 2.0, 4.0], capacity=[0.5, 2.0])
    inputs = ("t",)
    outputs = ("u",)
    points = pp.Points(domain=192)
    tolerance = 2e-5
    hidden = (12, 12)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.TimeDomain(0, END)

    def residual(self, t: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        return dde.grad.jacobian(u, t) - c.rate * u * (1 - u / c.capacity)

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        return [dde.icbc.IC(geometry, lambda t: START, lambda t, on_initial: on_initial)]

    def transform(self, t: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        return START + t / (1 + t) * y

    def reference(self, t: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return c.capacity / (1 + (c.capacity / START - 1) * np.exp(-c.rate * t))
