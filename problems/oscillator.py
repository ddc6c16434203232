"""A damped oscillator over mass, damping and stiffness, exact in all three regimes."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
from torch import Tensor

import pacpinn as pp

END = 5.0  # of the time interval, s


class Oscillator(pp.Equation):
    """m x'' + c x' + k x = 0 on t in [0, 5]; x(0) = 1, x'(0) = 0.

    Under-, critically or over-damped as c lies below, at or above 2 √(m k). The source is lightly damped; the default
    targets are all three regimes for each of three pairs of mass and stiffness.
    """

    mass = pp.Coefficient(1.0, low=0.5, high=4.0, scale="log", doc="kg")
    damping = pp.Coefficient(0.4, low=0.0, high=10.0, doc="N s/m")
    stiffness = pp.Coefficient(4.0, low=0.5, high=8.0, scale="log", doc="N/m")
    targets = tuple(
        {"mass": m, "damping": ratio * 2 * (m * k) ** 0.5, "stiffness": k}
        for m, k in [(1.0, 4.0), (1.0, 2.0), (2.0, 2.0)]
        for ratio in [0.25, 1.0, 1.5]
    )
    inputs = ("t",)
    outputs = ("x",)
    points = pp.Points(domain=256)
    tolerance = 1e-5
    hidden = (16, 16, 16)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.TimeDomain(0, END)

    def residual(self, t: Tensor, x: Tensor, c: pp.Coefficients) -> Tensor:
        velocity = dde.grad.jacobian(x, t)
        acceleration = dde.grad.hessian(x, t)
        return c.mass * acceleration + c.damping * velocity + c.stiffness * x

    def transform(self, t: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        return 1 + t**2 / (1 + t**2) * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        def at_rest(t: Tensor, x: Tensor, _: Any) -> Tensor:
            return dde.grad.jacobian(x, t)

        return [
            dde.icbc.IC(geometry, lambda t: 1, lambda _, on_initial: on_initial),
            dde.icbc.OperatorBC(geometry, at_rest, lambda t, _: dde.utils.isclose(t[0], 0)),
        ]

    def reference(self, t: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        decay = c.damping / (2 * c.mass)
        frequency = np.emath.sqrt(c.stiffness / c.mass - decay**2)  # imaginary if over-damped, 0 if critically
        # sin(w t) / w = t sinc(w t / pi) is accurate as w goes to 0.
        wave = np.cos(frequency * t) + decay * t * np.sinc(frequency * t / np.pi)
        return np.exp(-decay * t) * wave.real
