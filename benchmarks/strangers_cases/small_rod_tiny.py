"""A quantity that is small in its units (metres of displacement, say) on a rod of 1 m: k u'' = 0, u = 0 at one end,
k u' = 1e-6 at the other.

Right values: u = 1e-6 x / k.
"""

import deepxde as dde
import numpy as np

import pacpinn as pp

targets = [{"k": 0.6}, {"k": 0.8}, {"k": 1.5}]
within = {"k": (0.6, 1.8)}
goal = 1e-2
Q = 1e-6


class Rod(pp.Equation):
    k = pp.Coefficient(1.0, low=0.5, high=2.0)
    inputs, outputs = ("x",), ("u",)
    points = pp.Points(domain=64, boundary=2)
    hidden = (16, 16)

    def geometry(self, c):
        return dde.geometry.Interval(0, 1)

    def residual(self, x, u, c):
        return c.k * dde.grad.hessian(u, x)

    def conditions(self, g, c):
        def flux(x, u, X):
            return c.k * dde.grad.jacobian(u, x) - Q

        return [
            dde.icbc.DirichletBC(g, lambda x: 0, lambda x, on: on and np.isclose(x[0], 0)),
            dde.icbc.OperatorBC(g, flux, lambda x, on: on and np.isclose(x[0], 1)),
        ]


def problem():
    return Rod()


def exact(x, c):
    return Q * x / c.k


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 1))
