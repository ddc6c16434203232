"""An SIR epidemic in head counts, N = 7.9 million, 100 days; beta and gamma from daily infected (lululxvi/deepxde#515,
#816).

Right values: SciPy, LSODA at 1e-10. Judged by each of S, I and R; measurements of I with 2 % noise, truth 0.52 and
0.31.
"""

import deepxde as dde
import numpy as np
from scipy.integrate import solve_ivp

import pacpinn as pp

targets = [{"beta": 0.45, "gamma": 0.28}, {"beta": 0.55, "gamma": 0.28}, {"beta": 0.55, "gamma": 0.35}]
within = {"beta": (0.45, 0.55), "gamma": (0.28, 0.35)}
goal = 1e-2
truth = {"beta": 0.52, "gamma": 0.31}
N, I0, T = 7900010.0, 1000.0, 100.0


def data(c):
    time = dde.geometry.TimeDomain(0, T)
    d = dde.grad.jacobian

    def ode(t, y):
        S, I = y[:, 0:1], y[:, 1:2]
        new = c.beta * S * I / N
        return [d(y, t, i=0) + new, d(y, t, i=1) - new + c.gamma * I, d(y, t, i=2) - c.gamma * I]

    def start(i, value):
        return dde.icbc.IC(time, lambda t: value, lambda t, on: on, component=i)

    starts = [start(0, N - I0), start(1, I0), start(2, 0.0)]
    return dde.data.PDE(time, ode, starts, num_domain=400, num_boundary=2)


def problem():
    coefficients = {"beta": pp.Coefficient(0.5, low=0.4, high=0.6), "gamma": pp.Coefficient(0.33, low=0.2, high=0.4)}
    return pp.from_deepxde(data, dde.nn.FNN([1, 24, 24, 3], "tanh", "Glorot normal"), coefficients)


def exact(t, c):
    def f(t, y):
        return [-c.beta * y[0] * y[1] / N, c.beta * y[0] * y[1] / N - c.gamma * y[1], c.gamma * y[1]]

    s = solve_ivp(f, (0, T), [N - I0, I0, 0], "LSODA", rtol=1e-10, atol=1e-6, dense_output=True)
    return s.sol(np.ravel(t)).T


def points(c, n):
    return np.random.default_rng(0).uniform(0, T, (n, 1))


def inverse(family, rng):
    days = np.arange(0, 91, 3.0)[:, None]
    infected = exact(days, pp.Coefficients(**truth))[:, 1:2] * (1 + 0.02 * rng.normal(size=days.shape))
    return family.infer(days, infected, unknown=["beta", "gamma"], of="u2")
