"""-div(k grad u) = f on the unit cube, k = 1 + (kappa - 1) x, u = 0 on all six faces (as residuals), contrast kappa up
to 10.

Right values: manufactured, u = (1 + x / kappa) sin(pi x) sin(pi y) sin(pi z).
"""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp

targets = [{"kappa": k} for k in (1.0, 3.0, 10.0)]
within = {"kappa": (1.5, 5.0)}
goal = 1e-2


class Cube(pp.Equation):
    kappa = pp.Coefficient(2.0, low=1.0, high=10.0, scale="log", doc="contrast of k across the cube")
    inputs = ("x", "y", "z")
    points = pp.Points(domain=1024, boundary=600)

    def geometry(self, c):
        return dde.geometry.Cuboid([0, 0, 0], [1, 1, 1])

    def residual(self, x, u, c):
        k, A = 1 + (c.kappa - 1) * x[:, :1], 1 + x[:, :1] / c.kappa
        S, C = torch.sin(np.pi * x), torch.cos(np.pi * x)
        P = S[:, 1:2] * S[:, 2:3]
        ux = (S[:, :1] / c.kappa + A * np.pi * C[:, :1]) * P
        lap = (2 / c.kappa * np.pi * C[:, :1] - 3 * np.pi**2 * A * S[:, :1]) * P
        f = -(c.kappa - 1) * ux - k * lap
        laplacian = sum(dde.grad.hessian(u, x, i=i, j=i) for i in range(3))
        return -k * laplacian - (c.kappa - 1) * dde.grad.jacobian(u, x, j=0) - f

    def conditions(self, geometry, c):
        return [dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on)]


def problem():
    return Cube()


def exact(x, c):
    return (1 + x[:, :1] / c.kappa) * np.prod(np.sin(np.pi * x), 1, keepdims=True)


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 3))
