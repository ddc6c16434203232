"""An unknown in powers 1.5 and 2.2 that must stay positive, while an untrained network is negative somewhere
(lululxvi/deepxde#1177, #428): u' = -k u^1.5 + b (2 - u)^2.2, u(0) = 1.5.

Right values: SciPy, LSODA at 1e-11.
"""

import deepxde as dde
import numpy as np
from scipy.integrate import solve_ivp

import pacpinn as pp

targets = [{"k": 0.4, "b": 0.3}, {"k": 2.5, "b": 0.3}, {"k": 2.0, "b": 1.0}]
within = {"k": (0.4, 2.5), "b": (0.3, 1.0)}
goal = 1e-2


def data(c):
    time = dde.geometry.TimeDomain(0, 4)

    def ode(t, u):
        return dde.grad.jacobian(u, t) + c.k * u**1.5 - c.b * (2 - u) ** 2.2

    return dde.data.PDE(time, ode, dde.icbc.IC(time, lambda t: 1.5, lambda t, on: on), 60, 2)


def problem():
    coefficients = {"k": pp.Coefficient(1.0, low=0.2, high=3), "b": pp.Coefficient(1.0, low=0.1, high=2)}
    return pp.from_deepxde(data, lambda: dde.nn.FNN([1, 20, 20, 1], "tanh", "Glorot normal"), coefficients)


def exact(t, c):
    def f(t, u):
        return -c.k * u**1.5 + c.b * (2 - u) ** 2.2

    return solve_ivp(f, (0, 4), [1.5], "LSODA", rtol=1e-11, atol=1e-12, dense_output=True).sol(np.ravel(t)).T


def points(c, n):
    return np.random.default_rng(0).uniform(0, 4, (n, 1))
