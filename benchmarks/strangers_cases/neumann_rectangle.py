"""Steady heat in a unit square, u = 0 on the left, slope 1 out of the right side, insulated below and above
(lululxvi/deepxde#303, #1967).

Right values: u = x, whatever the conductivity ratio k. (One corner is among the default boundary points; the normal
there is a mean of two.)
"""

import deepxde as dde
import numpy as np

import pacpinn as pp

targets = [{"k": 0.6}, {"k": 0.8}, {"k": 1.5}]
within = {"k": (0.6, 1.8)}
goal = 1e-2


class Square(pp.Equation):
    k = pp.Coefficient(1.0, low=0.5, high=2.0)
    inputs, outputs = ("x", "y"), ("u",)
    points = pp.Points(domain=200, boundary=60)
    hidden = (12, 12)

    def geometry(self, c):
        return dde.geometry.Rectangle([0, 0], [1, 1])

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x, i=0, j=0) + c.k * dde.grad.hessian(u, x, i=1, j=1)

    def conditions(self, g, c):
        def left(x, on):
            return on and np.isclose(x[0], 0)

        def right(x, on):
            return on and np.isclose(x[0], 1)

        def insulated(x, on):
            return on and (np.isclose(x[1], 0) or np.isclose(x[1], 1))

        return [
            dde.icbc.DirichletBC(g, lambda x: 0, left),
            dde.icbc.NeumannBC(g, lambda x: 1, right),
            dde.icbc.NeumannBC(g, lambda x: 0, insulated),
        ]


def problem():
    return Square()


def exact(x, c):
    return x[:, :1]


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 2))
