"""Robertson's stiff chemistry to t = 100 in logarithmic time s = ln(1 + t / 0.001); outputs A, b = 1e4 B and C.

Right values: SciPy, Radau at 1e-10. Judged by each output. Initial values are exact, by s / (1 + s).
"""

import deepxde as dde
import numpy as np
import torch
from scipy.integrate import solve_ivp

import pacpinn as pp

targets = [{"k1": k} for k in (0.01, 0.02, 0.03, 0.06, 0.1)]
within = {"k1": (0.02, 0.06)}
goal = 1e-2
S = float(np.log1p(100 / 1e-3))


def rates(A, b, C, k1):
    r1, r2, r3 = k1 * A, b * C, 0.3 * b**2
    return -r1 + r2, 1e4 * (r1 - r2 - r3), r3


class Robertson(pp.Equation):
    k1 = pp.Coefficient(0.04, low=0.01, high=0.1, scale="log", doc="slow rate")
    inputs, outputs = ("s",), ("A", "b", "C")
    points = pp.Points(domain=256)

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, S)

    def residual(self, s, y, c):
        f = rates(y[:, :1], y[:, 1:2], y[:, 2:], c.k1)
        return [dde.grad.jacobian(y, s, i=i) - 1e-3 * torch.exp(s) * f[i] for i in range(3)]

    def transform(self, s, y, c):
        g = s / (1 + s)
        return torch.hstack([1 + g * y[:, :1], g * y[:, 1:2], g * y[:, 2:]])


def problem():
    return Robertson()


def exact(s, c):
    def f(t, y):
        return rates(*y, c.k1)

    r = solve_ivp(f, (0, 100.1), [1, 0, 0], "Radau", rtol=1e-10, atol=1e-13, dense_output=True)
    return r.sol(1e-3 * np.expm1(np.ravel(s))).T


def points(c, n):
    return np.random.default_rng(0).uniform(0, S, (n, 1))
