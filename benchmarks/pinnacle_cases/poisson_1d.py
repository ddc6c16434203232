"""u'' = -a^2 sin(a x) on [0, 2 pi / a], u = 0 at both ends; u = sin(a x). Not in the paper's table."""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp
from pinnacle_data import closed_form

published = None


class Poisson(pp.Equation):
    a = pp.Coefficient(1.0, low=0.5, high=4.0, doc="wave number")
    inputs = ("x",)
    points = pp.Points(domain=1024, boundary=256)

    def geometry(self, c):
        return dde.geometry.Interval(0, 2 * np.pi / c.a)

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x) + c.a**2 * torch.sin(c.a * x)

    def conditions(self, geometry, c):
        return [dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on)]


def exact(x, c):
    return np.sin(c.a * x)


def points(c, n):
    return np.random.default_rng(0).uniform(0, 2 * np.pi / c.a, (n, 1))


def case(folder):
    return closed_form(Poisson, exact, points)
