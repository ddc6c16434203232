"""A cooling fin in SI units: conduction along it, convection from its sides and from its tip."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
from torch import Tensor

import pacpinn as pp

LENGTH, THICKNESS = 0.05, 0.002  # m
BASE, AIR = 373.15, 293.15  # K


class CoolingFin(pp.Equation):
    """k T'' = 2 h (T - 293.15 K) / d on x in [0, 0.05 m]; T(0) = 373.15 K, -k T' = h (T - 293.15 K) at the tip."""

    h = pp.Coefficient(25.0, low=5.0, high=200.0, scale="log", doc="heat transfer coefficient, W / (m² K)")
    k = pp.Coefficient(205.0, low=15.0, high=400.0, scale="log", doc="thermal conductivity, W / (m K)")
    targets = pp.grid(h=[10.0, 100.0], k=[50.0, 205.0, 400.0])
    inputs, outputs = ("x",), ("T",)
    points = pp.Points(domain=64, boundary=2)
    tolerance = 1e-4

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.Interval(0, LENGTH)

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        return c.k * dde.grad.hessian(u, x) - 2 * c.h * (u - AIR) / THICKNESS

    def conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        def at_tip(x: Tensor, u: Tensor, _: np.ndarray) -> Tensor:
            return c.k * dde.grad.jacobian(u, x) + c.h * (u - AIR)

        return [
            dde.icbc.DirichletBC(geometry, lambda _: BASE, lambda x, on: on and np.isclose(x[0], 0)),
            dde.icbc.OperatorBC(geometry, at_tip, lambda x, on: on and np.isclose(x[0], LENGTH)),
        ]

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        """Incropera et al., Fundamentals of Heat and Mass Transfer, table 3.4, case A."""
        m = np.sqrt(2 * c.h / (c.k * THICKNESS))
        share = c.h / (m * c.k)

        def shape(s: np.ndarray | float) -> np.ndarray:
            return np.cosh(m * s) + share * np.sinh(m * s)

        return AIR + (BASE - AIR) * shape(LENGTH - x) / shape(LENGTH)
