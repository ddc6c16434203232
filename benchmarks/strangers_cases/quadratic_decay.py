"""u' = -k u^2 with unknown rate and unknown start, u(0) = 1 + c0, for any k and c0 in a range
(NeuroDiffGym/neurodiffeq#192, #203).

Right values: u = (1 + c0) / (1 + k (1 + c0) t).
"""

import deepxde as dde
import numpy as np

import pacpinn as pp

targets = [{"k": 0.5, "c0": 0.0}, {"k": 2.0, "c0": 0.0}, {"k": 0.5, "c0": 1.5}, {"k": 2.0, "c0": 1.5}]
within = {"k": (0.5, 2.0), "c0": (0.0, 1.5)}
goal = 1e-2
truth = {"k": 1.3, "c0": 0.7}


def data(c):
    time = dde.geometry.TimeDomain(0, 2)
    start = dde.icbc.IC(time, lambda t: 1 + c.c0, lambda t, on: on)
    return dde.data.PDE(time, lambda t, u: dde.grad.jacobian(u, t) + c.k * u**2, start, 40, 2)


def problem():
    coefficients = {"k": pp.Coefficient(1.0, low=0.3, high=3), "c0": pp.Coefficient(0.0, low=-0.2, high=2)}
    return pp.from_deepxde(data, lambda: dde.nn.FNN([1, 20, 20, 1], "tanh", "Glorot normal"), coefficients)


def exact(t, c):
    return (1 + c.c0) / (1 + c.k * (1 + c.c0) * t)


def points(c, n):
    return np.random.default_rng(0).uniform(0, 2, (n, 1))


def inverse(family, rng):
    t = np.linspace(0, 2, 11)[:, None]
    u = exact(t, pp.Coefficients(**truth)) + 0.005 * rng.normal(size=t.shape)
    return family.infer(t, u, unknown=["k", "c0"])
