"""Duffing's oscillator x'' + 0.2 x' + x + beta x^3 = 0.3 cos 1.2 t over t in [0, 15], x(0) = 1 and x'(0) = 0 exact by
1 + t^2 y.

Right values: SciPy, DOP853 at 1e-11.
"""

import deepxde as dde
import numpy as np
import torch
from scipy.integrate import solve_ivp

import pacpinn as pp

targets = [{"beta": b} for b in (0.0, 0.25, 1.0, 1.5, 2.0)]
within = {"beta": (0.25, 1.0)}
goal = 1e-2
END = 15.0


class Duffing(pp.Equation):
    beta = pp.Coefficient(0.5, low=0.0, high=2.0, doc="cubic stiffness")
    inputs, outputs = ("t",), ("x",)
    points = pp.Points(domain=256)

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, END)

    def residual(self, t, x, c):
        return dde.grad.hessian(x, t) + 0.2 * dde.grad.jacobian(x, t) + x + c.beta * x**3 - 0.3 * torch.cos(1.2 * t)

    def transform(self, t, y, c):
        return 1 + t**2 * y


def problem():
    return Duffing()


def exact(t, c):
    def f(t, y):
        return [y[1], 0.3 * np.cos(1.2 * t) - 0.2 * y[1] - y[0] - c.beta * y[0] ** 3]

    s = solve_ivp(f, (0, END), [1, 0], "DOP853", rtol=1e-11, atol=1e-12, dense_output=True)
    return s.sol(np.ravel(t))[:1].T


def points(c, n):
    return np.random.default_rng(0).uniform(0, END, (n, 1))
