"""lap u = -k^2 sum sin(k x_i), k = pi / 2, in the unit cube of five dimensions; on the faces the values of its solution
u = sum sin(k x_i)."""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp
from pinnacle_data import closed_form

published = "PNd"

DIMENSIONS = 5


class Poisson(pp.Equation):
    k = pp.Coefficient(np.pi / 2, low=0.5, high=5.0, doc="wave number")
    inputs = ("x1", "x2", "x3", "x4", "x5")
    points = pp.Points(domain=4096, boundary=1024)

    def geometry(self, c):
        return dde.geometry.Hypercube([0] * DIMENSIONS, [1] * DIMENSIONS)

    def residual(self, x, u, c):
        laplacian = sum(dde.grad.hessian(u, x, i=i, j=i) for i in range(DIMENSIONS))
        return laplacian + c.k**2 * torch.sum(torch.sin(c.k * x), 1, keepdim=True)

    def conditions(self, geometry, c):
        return [dde.icbc.DirichletBC(geometry, lambda x: exact(x, c), lambda x, on: on)]


def exact(x, c):
    return np.sum(np.sin(c.k * x), 1, keepdims=True)


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, DIMENSIONS))


def case(folder):
    return closed_form(Poisson, exact, points)
