"""A stirred reactor, temperature about 325 K and concentration about 0.9, Arrhenius term, as written in textbooks, for
several coolant temperatures Tc (lululxvi/deepxde#385).

Right values: SciPy, LSODA at 1e-10. Judged by temperature and concentration, in units of 10 K and 0.1 (at Tc = 300
K the start is nearly the steady state).
"""

import deepxde as dde
import numpy as np
import torch
from scipy.integrate import solve_ivp

import pacpinn as pp

targets = [{"Tc": 285.0}, {"Tc": 295.0}, {"Tc": 303.0}]
within = {"Tc": (285.0, 303.0)}
goal = 1e-2
V, Q, CAF, TF, RHO, CP, DH, ER, K0, UA = 100.0, 100.0, 1.0, 350.0, 1000.0, 0.239, 5e4, 8750.0, 7.2e10, 5e4
T0, A0, END = 324.475443431599, 0.87725294608097, 3.0


def rates(T, a, Tc, exp):
    r = K0 * exp(-ER / T) * a
    return Q / V * (TF - T) + DH / (RHO * CP) * r + UA / (V * RHO * CP) * (Tc - T), Q / V * (CAF - a) - r


def data(c):
    time = dde.geometry.TimeDomain(0, END)

    def ode(t, y):
        fT, fa = rates(y[:, 0:1], y[:, 1:2], c.Tc, torch.exp)
        return [dde.grad.jacobian(y, t, i=0) - fT, dde.grad.jacobian(y, t, i=1) - fa]

    starts = [
        dde.icbc.IC(time, lambda t: T0, lambda t, on: on, component=0),
        dde.icbc.IC(time, lambda t: A0, lambda t, on: on, component=1),
    ]
    return dde.data.PDE(time, ode, starts, num_domain=200, num_boundary=2)


def problem():
    net = dde.nn.FNN([1, 24, 24, 2], "tanh", "Glorot normal")
    return pp.from_deepxde(data, net, {"Tc": pp.Coefficient(300.0, low=280, high=304)})


def exact(t, c):
    def f(t, y):
        return rates(y[0], y[1], c.Tc, np.exp)

    return solve_ivp(f, (0, END), [T0, A0], "LSODA", rtol=1e-10, atol=1e-10, dense_output=True).sol(np.ravel(t)).T


def points(c, n):
    return np.random.default_rng(0).uniform(0, END, (n, 1))


def size(t, c):
    return np.array([10.0, 0.1])
