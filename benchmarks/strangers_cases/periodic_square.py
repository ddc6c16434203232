"""Transport and diffusion in a square that is periodic in both directions, values and slopes (lululxvi/deepxde#148,
#26).

Right values: u = exp(-2 D t) sin(x - s t) cos(y).
"""

import deepxde as dde
import numpy as np

import pacpinn as pp

targets = [{"D": 0.05, "s": 0.7}, {"D": 0.2, "s": 0.7}, {"D": 0.1, "s": -0.5}]
within = {"D": (0.05, 0.2), "s": (0.0, 0.7)}
goal = 1e-2
P = 2 * np.pi


def data(c):
    square = dde.geometry.Rectangle([0, 0], [P, P])
    g = dde.geometry.GeometryXTime(square, dde.geometry.TimeDomain(0, 1))

    def pde(x, u):
        lap = dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)
        return dde.grad.jacobian(u, x, j=2) + c.s * dde.grad.jacobian(u, x, j=0) - c.D * lap

    conditions = [dde.icbc.IC(g, lambda x: exact(x, c), lambda x, on: on)]
    for k in (0, 1):

        def edge(x, on, k=k):
            return on and (np.isclose(x[k], 0) or np.isclose(x[k], P))

        conditions += [dde.icbc.PeriodicBC(g, k, edge, derivative_order=order) for order in (0, 1)]
    return dde.data.TimePDE(g, pde, conditions, num_domain=800, num_boundary=240, num_initial=150)


def problem():
    coefficients = {"D": pp.Coefficient(0.1, low=0.01, high=0.5, scale="log"), "s": pp.Coefficient(0.0, low=-2, high=2)}
    return pp.from_deepxde(data, dde.nn.FNN([3, 24, 24, 24, 1], "tanh", "Glorot normal"), coefficients)


def exact(x, c):
    return np.exp(-2 * c.D * x[:, 2:3]) * np.sin(x[:, 0:1] - c.s * x[:, 2:3]) * np.cos(x[:, 1:2])


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 3)) * [P, P, 1]
