"""Euler beam whose slope at the left end, C, is unknown and to be found from deflections; load q
(lululxvi/deepxde#597).

Right values: u = -q (x^4 / 24 - x^3 / 6 + x^2 / 4) + C x. Ten deflections with noise 0.002, truth C = 0.137,
q = 1.6.
"""

import deepxde as dde
import numpy as np

import pacpinn as pp

targets = [{"C": -0.5, "q": 2.0}, {"C": 0.5, "q": 2.0}, {"C": 0.5, "q": 0.5}]
within = {"C": (-0.5, 0.5), "q": (0.5, 2.0)}
goal = 1e-2
truth = {"C": 0.137, "q": 1.6}


def data(c):
    g = dde.geometry.Interval(0, 1)

    def d2(x, u):
        return dde.grad.hessian(u, x)

    def d3(x, u):
        return dde.grad.jacobian(d2(x, u), x)

    def left(x, on):
        return on and np.isclose(x[0], 0)

    def right(x, on):
        return on and np.isclose(x[0], 1)

    def pde(x, u):
        return dde.grad.hessian(d2(x, u), x) + c.q

    conditions = [
        dde.icbc.DirichletBC(g, lambda x: 0, left),
        dde.icbc.NeumannBC(g, lambda x: -c.C, left),
        dde.icbc.OperatorBC(g, lambda x, u, _: d2(x, u), right),
        dde.icbc.OperatorBC(g, lambda x, u, _: d3(x, u), right),
    ]
    return dde.data.PDE(g, pde, conditions, num_domain=20, num_boundary=2, num_test=100)


def problem():
    coefficients = {"C": pp.Coefficient(0.0, low=-1, high=1), "q": pp.Coefficient(1.0, low=0.2, high=5, scale="log")}
    return pp.from_deepxde(data, lambda: dde.nn.FNN([1, 20, 20, 20, 1], "tanh", "Glorot uniform"), coefficients)


def exact(x, c):
    return -c.q * (x**4 / 24 - x**3 / 6 + x**2 / 4) + c.C * x


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 1))


def inverse(family, rng):
    x = np.linspace(0.1, 1, 10)[:, None]
    u = exact(x, pp.Coefficients(**truth)) + 0.002 * rng.normal(size=x.shape)
    return family.infer(x, u, unknown=["C", "q"])
