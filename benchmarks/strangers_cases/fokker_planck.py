"""Stationary Fokker-Planck density with its normalisation (integral of p = 1), two coefficients
(SciML/NeuralPDE.jl#279).

Right values: p proportional to exp(2 / sigma^2 (alpha x^2 / 2 - x^4 / 8)), normalised by quadrature. P, the
integral of p, is a helper output.
"""

import deepxde as dde
import numpy as np
from scipy.integrate import quad

import pacpinn as pp

targets = [{"sigma": s, "alpha": a} for s in (0.4, 0.7) for a in (0.3, 0.6)]
within = {"sigma": (0.4, 0.8), "alpha": (0.1, 0.6)}
goal = 1e-2
outputs = [0]
A, BETA = 2.2, 0.5


class FokkerPlanck(pp.Equation):
    sigma = pp.Coefficient(0.5, low=0.3, high=1.0)
    alpha = pp.Coefficient(0.3, low=0.0, high=0.8)
    inputs, outputs = ("x",), ("p", "P")
    points = pp.Points(domain=200, boundary=2)

    def geometry(self, c):
        return dde.geometry.Interval(-A, A)

    def residual(self, x, y, c):
        p, drift = y[:, 0:1], c.alpha * x - BETA * x**3
        return [drift * p - c.sigma**2 / 2 * dde.grad.jacobian(y, x, i=0), dde.grad.jacobian(y, x, i=1) - p]

    def conditions(self, g, c):
        return [
            dde.icbc.DirichletBC(g, lambda x: 0, lambda x, on: on and x[0] < 0, component=1),
            dde.icbc.DirichletBC(g, lambda x: 1, lambda x, on: on and x[0] > 0, component=1),
        ]


def problem():
    return FokkerPlanck()


def exact(x, c):
    def f(s):
        return np.exp(2 / c.sigma**2 * (c.alpha * s**2 / 2 - BETA * s**4 / 4))

    return f(x) / quad(f, -A, A, epsabs=1e-12)[0]


def points(c, n):
    return np.random.default_rng(0).uniform(-A, A, (n, 1))
