"""A wall of two layers in SI units, with contact resistance between them: one output a layer, interface conditions.

Conductivity jumps at the interface. The strong form of one output has no meaning there; two outputs, each a function of
the distance from the interface in units of its layer's thickness, meet by conditions at distance 0.
"""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
from torch import Tensor

import pacpinn as pp

BRICK, INSULATION = 0.24, 0.08  # thickness, m
INSIDE, OUTSIDE = 294.15, 263.15  # K
H = 8.0  # inside, W / (m² K)
HEAT = 150.0  # of a heating in the brick, W / m³


class CompositeWall(pp.Equation):
    """Heated brick, contact, insulation: k T'' + q = 0, k' S'' = 0; at the contact equal fluxes F and T - S = R F."""

    conductivity = pp.Coefficient(0.04, low=0.02, high=0.4, scale="log", doc="of the insulation, W / (m K)")
    resistance = pp.Coefficient(0.05, low=0.001, high=0.5, scale="log", doc="of the contact, m² K / W")
    targets = pp.grid(conductivity=[0.025, 0.1, 0.4], resistance=[0.005, 0.2])
    inputs, outputs = ("s",), ("T", "S")  # distance from the contact in thicknesses; temperatures of brick, insulation
    points = pp.Points(domain=48, boundary=2)
    tolerance = 1e-4
    brick = 0.6  # conductivity, W / (m K)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.Interval(0, 1)

    def residual(self, s: Tensor, y: Tensor, c: pp.Coefficients) -> list[Tensor]:
        return [
            self.brick / BRICK**2 * dde.grad.hessian(y, s, component=0) + HEAT,
            c.conductivity / INSULATION**2 * dde.grad.hessian(y, s, component=1),
        ]

    def conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        def fluxes(s: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:  # to the outside
            brick = self.brick / BRICK * dde.grad.jacobian(y, s, i=0)
            return brick, -c.conductivity / INSULATION * dde.grad.jacobian(y, s, i=1)

        def continuity(s: Tensor, y: Tensor, _: np.ndarray) -> Tensor:
            brick, insulation = fluxes(s, y)
            return brick - insulation

        def contact(s: Tensor, y: Tensor, _: np.ndarray) -> Tensor:
            return y[:, 0:1] - y[:, 1:2] - c.resistance * fluxes(s, y)[1]

        def room(s: Tensor, y: Tensor, _: np.ndarray) -> Tensor:
            return H * (INSIDE - y[:, 0:1]) - fluxes(s, y)[0]

        def at_contact(s: np.ndarray, on: bool) -> bool:
            return bool(on and s[0] < 0.5)

        def at_surface(s: np.ndarray, on: bool) -> bool:
            return bool(on and s[0] > 0.5)

        return [
            dde.icbc.OperatorBC(geometry, continuity, at_contact),
            dde.icbc.OperatorBC(geometry, contact, at_contact),
            dde.icbc.OperatorBC(geometry, room, at_surface),
            dde.icbc.DirichletBC(geometry, lambda _: OUTSIDE, at_surface, component=1),
        ]

    def reference(self, s: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        """Resistances in series: the flux at the contact is that from the room and all of the heating's."""
        outer = INSULATION / c.conductivity + c.resistance
        inner = BRICK / self.brick + 1 / H
        heated = HEAT * BRICK * (BRICK / (2 * self.brick) + 1 / H)
        flux = (INSIDE - OUTSIDE + heated) / (inner + outer)
        x = BRICK * s
        brick = OUTSIDE + flux * outer + (flux * x - HEAT * x**2 / 2) / self.brick
        return np.hstack([brick, OUTSIDE + flux * INSULATION / c.conductivity * (1 - s)])
