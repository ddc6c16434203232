"""lap u + k^2 u = f on the unit square, u = 0 on the sides; u = sin(4 pi x) sin(4 pi y). Not in the paper's table."""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp
from pinnacle_data import closed_form

published = None


class Helmholtz(pp.Equation):
    k = pp.Coefficient(1.0, low=0.1, high=4.0, doc="wave number")
    inputs = ("x", "y")
    points = pp.Points(domain=1024, boundary=256)

    def geometry(self, c):
        return dde.geometry.Rectangle([0, 0], [1, 1])

    def residual(self, x, u, c):
        f = (c.k**2 - 32 * np.pi**2) * torch.sin(4 * np.pi * x[:, :1]) * torch.sin(4 * np.pi * x[:, 1:])
        laplacian = dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)
        return laplacian + c.k**2 * u - f

    def conditions(self, geometry, c):
        return [dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on)]


def exact(x, c):
    return np.sin(4 * np.pi * x[:, :1]) * np.sin(4 * np.pi * x[:, 1:])


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 2))


def case(folder):
    return closed_form(Helmholtz, exact, points)
