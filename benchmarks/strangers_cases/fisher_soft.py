"""Travelling wave of Fisher's equation u_t = u_xx + r u (1 - u), x in [0, 20], t in [0, 2]; wave given at the start
and both ends.

Right values: Ablowitz and Zeppetella's wave, u = (1 + exp(sqrt(r / 6) (x - 5) - 5 r t / 6))^-2.
"""

import deepxde as dde
import numpy as np

import pacpinn as pp

targets = [{"r": r} for r in (0.5, 1.5, 2.0, 3.0, 4.0)]
within = {"r": (0.75, 2.0)}
goal = 1e-2


class Fisher(pp.Equation):
    r = pp.Coefficient(1.0, low=0.5, high=4.0, scale="log", doc="growth rate")
    points = pp.Points(domain=1024, boundary=128, initial=128)

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Interval(0, 20), dde.geometry.TimeDomain(0, 2))

    def residual(self, x, u, c):
        return dde.grad.jacobian(u, x, i=0, j=1) - dde.grad.hessian(u, x, i=0, j=0) - c.r * u * (1 - u)

    def conditions(self, geometry, c):
        def wave(x):
            return exact(x, c)

        return [dde.icbc.DirichletBC(geometry, wave, lambda x, on: on), dde.icbc.IC(geometry, wave, lambda x, on: on)]


def problem():
    return Fisher()


def exact(x, c):
    return (1 + np.exp(np.sqrt(c.r / 6) * (x[:, :1] - 5) - 5 / 6 * c.r * x[:, 1:2])) ** -2.0


def points(c, n):
    return np.random.default_rng(0).uniform([0, 0], [20, 2], (n, 2))
