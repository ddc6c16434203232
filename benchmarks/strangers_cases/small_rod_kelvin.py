"""Steady heat in a rod of 1 m in kelvin: k T'' = 0, T = 293.15 K at one end, flux 72 W/m2 into the other, conductivity
k (lululxvi/deepxde#1969, #61 in small).

Right values: T = 293.15 + 72 x / k. Judged relative to the rise, not to the 293 K.
"""

import deepxde as dde
import numpy as np

import pacpinn as pp

targets = [{"k": 0.6}, {"k": 0.8}, {"k": 1.5}]
within = {"k": (0.6, 1.8)}
goal = 1e-2
T0, Q = 293.15, 72.0


class Rod(pp.Equation):
    k = pp.Coefficient(1.0, low=0.5, high=2.0)
    inputs, outputs = ("x",), ("T",)
    points = pp.Points(domain=64, boundary=2)
    hidden = (16, 16)

    def geometry(self, c):
        return dde.geometry.Interval(0, 1)

    def residual(self, x, T, c):
        return c.k * dde.grad.hessian(T, x)

    def conditions(self, g, c):
        def flux(x, T, X):
            return c.k * dde.grad.jacobian(T, x) - Q

        return [
            dde.icbc.DirichletBC(g, lambda x: T0, lambda x, on: on and np.isclose(x[0], 0)),
            dde.icbc.OperatorBC(g, flux, lambda x, on: on and np.isclose(x[0], 1)),
        ]


def problem():
    return Rod()


def exact(x, c):
    return T0 + Q * x / c.k


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 1))
