"""u_t = lap u / 5 - |x|^2 exp(|x|^2 / 2 + t) / 5 in the unit ball of five dimensions until t = 1, with the slope across
the sphere and the start of u = exp(|x|^2 / 2 + t), its solution."""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp
from pinnacle_data import closed_form

published = "HNd"

DIMENSIONS = 5


class Heat(pp.Equation):
    diffusivity = pp.Coefficient(1 / DIMENSIONS, low=0.05, high=1.0, scale="log")
    inputs = ("x1", "x2", "x3", "x4", "x5", "t")
    points = pp.Points(domain=4096, boundary=1024, initial=1024)

    def geometry(self, c):
        ball = dde.geometry.Hypersphere([0] * DIMENSIONS, 1)
        return dde.geometry.GeometryXTime(ball, dde.geometry.TimeDomain(0, 1))

    def residual(self, x, u, c):
        r2, t = torch.sum(x[:, :-1] ** 2, 1, keepdim=True), x[:, -1:]
        laplacian = sum(dde.grad.hessian(u, x, i=i, j=i) for i in range(DIMENSIONS))
        sources = (1 - c.diffusivity * (DIMENSIONS + r2)) * torch.exp(r2 / 2 + t)
        return c.diffusivity * laplacian + sources - dde.grad.jacobian(u, x, j=DIMENSIONS)

    def conditions(self, geometry, c):
        return [
            dde.icbc.NeumannBC(geometry, lambda x: exact(x, c), lambda x, on: on),
            dde.icbc.IC(geometry, lambda x: exact(x, c), lambda x, on: on),
        ]


def exact(x, c):
    return np.exp(np.sum(x[:, :-1] ** 2, 1, keepdims=True) / 2 + x[:, -1:])


def points(c, n):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, DIMENSIONS))
    radius = rng.uniform(0, 1, (n, 1)) ** (1 / DIMENSIONS)
    return np.hstack([radius * x / np.linalg.norm(x, axis=1, keepdims=True), rng.uniform(0, 1, (n, 1))])


def case(folder):
    return closed_form(Heat, exact, points)
