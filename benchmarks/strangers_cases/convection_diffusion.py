"""-eps lap u + b.grad u = f on the unit square, b = (1, 1/2), u = 0 on the boundary, down to Peclet number 50 (a layer
at x = 1).

Right values: manufactured, u = (x - (exp((x - 1) / eps) - exp(-1 / eps)) / (1 - exp(-1 / eps))) sin(pi y).
Conditions exact by a product.
"""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp

targets = [{"eps": e} for e in (1.0, 0.5, 0.1, 0.05, 0.03, 0.02)]
within = {"eps": (0.05, 0.2)}
goal = 1e-2


def layer(x, eps, exp):
    """X with X(0) = X(1) = 0, X', X''."""
    d, e, e0 = 1 - np.exp(-1 / eps), exp((x - 1) / eps), np.exp(-1 / eps)
    return x - (e - e0) / d, 1 - e / (eps * d), -e / (eps**2 * d)


class ConvectionDiffusion(pp.Equation):
    eps = pp.Coefficient(0.2, low=0.02, high=1.0, scale="log", doc="1 / Peclet")
    inputs = ("x", "y")

    def geometry(self, c):
        return dde.geometry.Rectangle([0, 0], [1, 1])

    def residual(self, x, u, c):
        X, X1, X2 = layer(x[:, :1], c.eps, torch.exp)
        s, co = torch.sin(np.pi * x[:, 1:]), torch.cos(np.pi * x[:, 1:])
        f = -c.eps * (X2 - np.pi**2 * X) * s + X1 * s + 0.5 * np.pi * X * co
        lap = dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)
        return -c.eps * lap + dde.grad.jacobian(u, x, j=0) + 0.5 * dde.grad.jacobian(u, x, j=1) - f

    def transform(self, x, y, c):
        return x[:, :1] * (1 - x[:, :1]) * x[:, 1:] * (1 - x[:, 1:]) * y


def problem():
    return ConvectionDiffusion()


def exact(x, c):
    return layer(x[:, :1], c.eps, np.exp)[0] * np.sin(np.pi * x[:, 1:])


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 2))
