"""A solitary wave on shallow water over its speed, with its closed form as reference."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp

END = 16.0  # of space, to either side
START = -2.0  # of the crest


class KortewegDeVries(pp.Equation):
    """u_t + 6 u u_x + u_xxx = 0 on x in [-16, 16], t in [0, 4]; u(x, 0), u(±16, t), u_x(16, t) are a soliton's.

    A soliton is u = speed / 2 sech²(√speed (x - speed t + 2) / 2): the faster, the higher and the narrower (Korteweg &
    de Vries, Philosophical Magazine 39, 1895; Drazin & Johnson, Solitons, 1989).
    """

    speed = pp.Coefficient(0.25, low=0.1, high=1.0, scale="log", doc="speed of the soliton, length / time")
    targets = pp.grid(speed=np.geomspace(0.25, 1.0, 9)[1:])
    points = pp.Points(domain=1536)
    tolerance = 2e-4
    hidden = (24, 24, 24)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(-END, END), dde.geometry.TimeDomain(0, 4))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        u_x = dde.grad.jacobian(u, x, j=0)
        u_t = dde.grad.jacobian(u, x, j=1)
        u_xxx = dde.grad.jacobian(dde.grad.hessian(u, x, i=0, j=0), x, j=0)
        return u_t + 6 * u * u_x + u_xxx

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        return torch.cat([place / END, time / 2 - 1, torch.tanh(phase(place, time, c) / 2)], dim=1)

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1] / END, x[:, 1:2]
        left = ((1 - place) / 2) ** 2  # 1 at the left end, value and slope 0 at the right
        tilt = (place**2 - 1) * END / 2  # 0 at both ends, with slope 1 at the right
        changes = [
            wave(torch.full_like(place, end), time, c) - wave(torch.full_like(place, end), 0 * time, c)
            for wave, end in [(soliton, -END), (soliton, END), (soliton_slope, END)]
        ]
        at_ends = left * changes[0] + (1 - left) * changes[1] + tilt * changes[2]
        passed = c.speed**1.5 * time  # in widths of the soliton
        free = (1 + place) * (1 - place) ** 2 * passed / (1 + passed)
        return soliton(x[:, 0:1], 0 * time, c) + at_ends + free * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        def at_right(x: np.ndarray, on_boundary: bool) -> bool:
            return on_boundary and bool(dde.utils.isclose(x[0], END))

        def slope_error(x: Tensor, u: Tensor, _: Any) -> Tensor:
            return dde.grad.jacobian(u, x, j=0) - soliton_slope(x[:, 0:1], x[:, 1:2], c)

        return [
            dde.icbc.DirichletBC(geometry, lambda x: self.reference(x, c), lambda _, on_boundary: on_boundary),
            dde.icbc.OperatorBC(geometry, slope_error, at_right),
            dde.icbc.IC(geometry, lambda x: self.reference(x, c), lambda _, on_initial: on_initial),
        ]

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        place, time = torch.from_numpy(x[:, 0:1]), torch.from_numpy(x[:, 1:2])
        return soliton(place, time, c).numpy()


def phase(place: Tensor, time: Tensor, c: pp.Coefficients) -> Tensor:
    """Distance from the crest in widths of the soliton."""
    return c.speed**0.5 / 2 * (place - c.speed * time - START)


def soliton(place: Tensor, time: Tensor, c: pp.Coefficients) -> Tensor:
    """The solution."""
    return c.speed / 2 / torch.cosh(phase(place, time, c)) ** 2


def soliton_slope(place: Tensor, time: Tensor, c: pp.Coefficients) -> Tensor:
    """Its derivative in space."""
    return -(c.speed**0.5) * torch.tanh(phase(place, time, c)) * soliton(place, time, c)
