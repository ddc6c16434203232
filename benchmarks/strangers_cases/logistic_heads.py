"""Logistic growth in heads, N' = a N (1 - N / K), K about 1000, N(0) = 200 or 1200, an initial condition only
(lululxvi/deepxde#12).

Right values: N = K / (1 + (K / N0 - 1) exp(-a t)).
"""

import deepxde as dde
import numpy as np

import pacpinn as pp

targets = [
    {"a": 1.0, "K": 1000.0, "N0": 1200.0},
    {"a": 0.5, "K": 1500.0, "N0": 200.0},
    {"a": 1.5, "K": 800.0, "N0": 100.0},
]
within = {"a": (0.5, 1.5)}
goal = 1e-2


def data(c):
    time = dde.geometry.TimeDomain(0, 5)

    def ode(t, u):
        return dde.grad.jacobian(u, t) - c.a * u * (1 - u / c.K)

    return dde.data.PDE(time, ode, dde.icbc.IC(time, lambda t: c.N0, lambda t, on: on), 100, 2)


def problem():
    coefficients = {
        "a": pp.Coefficient(1.0, low=0.3, high=2),
        "K": pp.Coefficient(1000.0, low=500, high=2000),
        "N0": pp.Coefficient(200.0, low=50, high=2500),
    }
    return pp.from_deepxde(data, lambda: dde.nn.FNN([1, 20, 20, 20, 1], "tanh", "Glorot uniform"), coefficients)


def exact(t, c):
    return c.K / (1 + (c.K / c.N0 - 1) * np.exp(-c.a * t))


def points(c, n):
    return np.random.default_rng(0).uniform(0, 5, (n, 1))
