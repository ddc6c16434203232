"""Equations stated in any units: the unit of the inputs and those of the outputs are free."""

from __future__ import annotations

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp

SMALL = pp.Points(domain=48, boundary=16, initial=16)


def derivative(y, x, i=0, j=0):
    return dde.grad.jacobian(y, x, i=i, j=j)


def at_start(geometry, value, component=0):
    return dde.icbc.IC(geometry, lambda t: value, lambda _, on_initial: on_initial, component=component)


def at_end(geometry, place, value, component=0):
    return dde.icbc.DirichletBC(
        geometry, lambda x: value, lambda x, on: on and abs(x[0] - place) < 1e-6 * geometry.r, component=component
    )


class Units(pp.Equation):
    """An equation in a unit `a` of its first input and units `b` of its outputs."""

    a, b = 1.0, (1.0, 1.0)
    k = pp.Coefficient(1.0, low=0.5, high=2.0)
    inputs, points, hidden = ("t",), SMALL, (6,)

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, 2 * self.a)

    def block_units(self):
        """The unit of each residual block."""
        raise NotImplementedError


class Decay(Units):
    """u' = -k u, u(0) = 300: nothing tells how much u varies, but the equation."""

    def residual(self, t, u, c):
        return self.a * derivative(u, t) + c.k * u

    def conditions(self, geometry, c):
        return [at_start(geometry, 300 * self.b[0])]

    def block_units(self):
        return [self.b[0], self.b[0]]


class Exact(Units):
    """Decay with its condition made exact: u = 300 + t y."""

    def residual(self, t, u, c):
        return derivative(u, t) + c.k / self.a * u

    def transform(self, t, y, c):
        return 300 * self.b[0] + t * y

    def block_units(self):
        return [self.b[0] / self.a]


class Rod(Units):
    """T'' = 0 between 300 and 1000."""

    inputs, outputs = ("x",), ("T",)

    def geometry(self, c):
        return dde.geometry.Interval(0, self.a)

    def residual(self, x, u, c):
        return c.k * dde.grad.hessian(u, x)

    def conditions(self, geometry, c):
        return [at_end(geometry, 0, 300 * self.b[0]), at_end(geometry, self.a, 1000 * self.b[0])]

    def block_units(self):
        return [self.b[0] / self.a**2, self.b[0], self.b[0]]


class Mixed(Rod):
    """q = -40 k T', q' = 0 with T from 300 to 1000: nothing prescribes q."""

    outputs = ("T", "q")

    def residual(self, x, y, c):
        flux = 40 * c.k * self.a * self.b[1] / self.b[0]
        return [y[:, 1:2] + flux * derivative(y, x, i=0), derivative(y, x, i=1)]

    def block_units(self):
        return [self.b[1], self.b[1] / self.a, self.b[0], self.b[0]]


class Predators(Units):
    """Ten thousand of u, of which v, 0.01, live: u' = u (1 - 50 v), v' = k v (u / 20000 - 1)."""

    outputs = ("u", "v")

    def residual(self, t, y, c):
        u, v = y[:, 0:1], y[:, 1:2]
        b, d = self.b
        return [
            self.a * derivative(y, t, i=0) - u * (1 - 50 * v / d),
            self.a * derivative(y, t, i=1) - c.k * v * (u / (2e4 * b) - 1),
        ]

    def conditions(self, geometry, c):
        return [at_start(geometry, 1e4 * self.b[0]), at_start(geometry, 0.01 * self.b[1], component=1)]

    def block_units(self):
        return [self.b[0], self.b[1], self.b[0], self.b[1]]


class Forced(Units):
    """u'' + k u + u³ = 5 sin(3 t) at rest in the beginning: only the force tells a size."""

    def residual(self, t, u, c):
        force = 5 * self.b[0] * torch.sin(3 * t / self.a)
        return self.a**2 * dde.grad.hessian(u, t) + c.k * u + u**3 / self.b[0] ** 2 - force

    def conditions(self, geometry, c):
        def slope(t, u, _):
            return derivative(u, t)

        return [at_start(geometry, 0.0), dde.icbc.OperatorBC(geometry, slope, lambda t, _: abs(t[0]) < 1e-9 * self.a)]

    def block_units(self):
        return [self.b[0], self.b[0], self.b[0] / self.a]


class Diffusion(Units):
    """u_t = 0.1 k u_xx from a sine of height 7, with ends at 2."""

    inputs = ("x", "t")

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Interval(0, self.a), dde.geometry.TimeDomain(0, 1))

    def residual(self, x, u, c):
        return derivative(u, x, j=1) - 0.1 * c.k * self.a**2 * dde.grad.hessian(u, x, i=0, j=0)

    def conditions(self, geometry, c):
        def start(x):
            return self.b[0] * (2 + 7 * np.sin(np.pi * x[:, 0:1] / self.a))

        return [
            dde.icbc.DirichletBC(geometry, lambda x: 2 * self.b[0], lambda _, on_boundary: on_boundary),
            dde.icbc.IC(geometry, start, lambda _, on_initial: on_initial),
        ]

    def block_units(self):
        return [self.b[0]] * 3


STATEMENTS = [Decay, Exact, Rod, Mixed, Predators, Forced, Diffusion]


def in_units(kind, a, b):
    """The equation in a unit `a` of its first input and `b` of its outputs."""
    return type(kind.__name__, (kind,), {"a": a, "b": b})()
