"""Cooling of a cube, u_t = alpha lap u on [0, 1]^3 x [0, 1], u = 0 on the faces, a product of sines at the start; both
as residuals.

Right values: u = exp(-3 pi^2 alpha t) sin(pi x) sin(pi y) sin(pi z).
"""

import deepxde as dde
import numpy as np

import pacpinn as pp

targets = [{"alpha": a} for a in (0.01, 0.03, 0.1)]
within = {"alpha": (0.02, 0.07)}
goal = 1e-2


class Cube(pp.Equation):
    alpha = pp.Coefficient(0.05, low=0.01, high=0.1, scale="log", doc="diffusivity")
    inputs = ("x", "y", "z", "t")
    points = pp.Points(domain=1024, boundary=400, initial=300)

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Cuboid([0, 0, 0], [1, 1, 1]), dde.geometry.TimeDomain(0, 1))

    def residual(self, x, u, c):
        return dde.grad.jacobian(u, x, j=3) - c.alpha * sum(dde.grad.hessian(u, x, i=i, j=i) for i in range(3))

    def conditions(self, geometry, c):
        def start(x):
            return np.prod(np.sin(np.pi * x[:, :3]), 1, keepdims=True)

        return [
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on),
            dde.icbc.IC(geometry, start, lambda x, on: on),
        ]


def problem():
    return Cube()


def exact(x, c):
    return np.exp(-3 * np.pi**2 * c.alpha * x[:, 3:]) * np.prod(np.sin(np.pi * x[:, :3]), 1, keepdims=True)


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 4))
