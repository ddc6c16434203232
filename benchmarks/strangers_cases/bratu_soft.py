"""Bratu's equation u'' + lam exp(u) = 0 on [0, 1], u = 0 at both ends (as residuals), lower branch, close to its fold
at 3.51.

Right values: closed form, u = -2 ln(cosh((x - 1/2) th / 2) / cosh(th / 4)), th = sqrt(2 lam) cosh(th / 4), smaller
root.
"""

import deepxde as dde
import numpy as np
import torch
from scipy.optimize import brentq

import pacpinn as pp

targets = [{"lam": v} for v in (0.5, 1.5, 2.0, 2.5, 3.0, 3.4)]
within = {"lam": (0.5, 3.4)}
goal = 1e-2
truth = {"lam": 2.2}


class Bratu(pp.Equation):
    lam = pp.Coefficient(1.0, low=0.1, high=3.6, doc="reaction")
    inputs, outputs = ("x",), ("u",)
    points = pp.Points(domain=64, boundary=2)

    def geometry(self, c):
        return dde.geometry.Interval(0, 1)

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x) + c.lam * torch.exp(u)

    def conditions(self, geometry, c):
        return [dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on)]


def problem():
    return Bratu()


def exact(x, c):
    th = brentq(lambda t: t - np.sqrt(2 * c.lam) * np.cosh(t / 4), 1e-9, 4 * 1.1996786402)
    return -2 * np.log(np.cosh((x - 0.5) * th / 2) / np.cosh(th / 4))


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 1))


def inverse(family, rng):
    x = np.random.default_rng(0).uniform(0, 1, (40, 1))
    u = exact(x, pp.Coefficients(**truth))
    deviation = 0.02 * np.sqrt(np.mean(u**2))
    return family.infer(x, u + deviation * rng.normal(size=u.shape), unknown=["lam"])
