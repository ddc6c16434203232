"""Find the coefficient function q(x) in -u'' + q(x) u = f from values of u, as q = q0 + q1 x + q2 x^2
(lululxvi/deepxde#125, #34, #178).

Right values: finite differences with 4000 cells; at q = 5 x^2 they agree with u = sin(pi x), for which f is made.
49 values with noise 1e-5.
"""

import deepxde as dde
import numpy as np
import torch
from scipy.linalg import solve_banded

import pacpinn as pp

targets = [
    {"q0": a, "q1": b, "q2": c} for a, b, c in ((2.0, 2.0, 2.0), (0.5, -2.0, 2.0), (1.0, 3.0, 0.0), (0.0, 0.0, 5.0))
]
within = {"q0": (0.0, 2.0), "q2": (0.0, 5.0)}
goal = 1e-2
truth = {"q0": 0.0, "q1": 0.0, "q2": 5.0}


class Field(pp.Equation):
    q0 = pp.Coefficient(1.0, low=-3, high=8)
    q1 = pp.Coefficient(0.0, low=-15, high=15)
    q2 = pp.Coefficient(0.0, low=-15, high=15)
    inputs, outputs = ("x",), ("u",)
    points = pp.Points(domain=64)

    def geometry(self, c):
        return dde.geometry.Interval(0, 1)

    def residual(self, x, u, c):
        f = (np.pi**2 + 5 * x**2) * torch.sin(np.pi * x)
        return -dde.grad.hessian(u, x) + (c.q0 + c.q1 * x + c.q2 * x**2) * u - f

    def transform(self, x, y, c):
        return x * (1 - x) * y


def problem():
    return Field()


def exact(x, c, n=4000):
    s = np.linspace(0, 1, n + 1)
    m = s[1:-1]
    bands = np.full((3, n - 1), -(float(n) ** 2))
    bands[1] = 2.0 * n**2 + c.q0 + c.q1 * m + c.q2 * m**2
    u = solve_banded((1, 1), bands, (np.pi**2 + 5 * m**2) * np.sin(np.pi * m))
    return np.interp(np.ravel(x), s, np.r_[0, u, 0])[:, None]


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 1))


def inverse(family, rng):
    x = np.linspace(0.02, 0.98, 49)[:, None]
    u = np.sin(np.pi * x) + 1e-5 * rng.normal(size=x.shape)
    return family.infer(x, u, unknown=["q0", "q1", "q2"])
