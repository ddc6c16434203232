"""y_t = D y_xx + integral of y over [0, pi/2] - exp(-D t), y(0, t) = 0, y(pi/2, t) = exp(-D t), y(x, 0) = sin x
(lululxvi/deepxde#95).

Right values: y = exp(-D t) sin x. Stated by two helper outputs, v = integral of y from 0 to x and w(t) =
v(pi/2, t).
"""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp

targets = [{"D": 0.5}, {"D": 2.0}, {"D": 3.0}]
within = {"D": (0.5, 2.0)}
goal = 1e-2
outputs = [0]
B = np.pi / 2


class Integral(pp.Equation):
    D = pp.Coefficient(1.0, low=0.2, high=3.0, scale="log")
    inputs, outputs = ("x", "t"), ("y", "v", "w")
    points = pp.Points(domain=400, boundary=60)

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Interval(0, B), dde.geometry.TimeDomain(0, 1))

    def transform(self, x, y, c):
        s, t = x[:, :1], x[:, 1:2]
        known = torch.sin(s) * torch.exp(-c.D * t)
        return torch.cat([known + t * s * (B - s) * y[:, :1], s * y[:, 1:2], y[:, 2:3]], 1)

    def residual(self, x, y, c):
        d = dde.grad.jacobian
        heat = d(y, x, i=0, j=1) - c.D * dde.grad.hessian(y, x, component=0, i=0, j=0)
        return [heat - y[:, 2:3] + torch.exp(-c.D * x[:, 1:2]), d(y, x, i=1, j=0) - y[:, 0:1], d(y, x, i=2, j=0)]

    def conditions(self, g, c):
        return [dde.icbc.OperatorBC(g, lambda x, y, X: y[:, 1:2] - y[:, 2:3], lambda x, on: np.isclose(x[0], B))]


def problem():
    return Integral()


def exact(x, c):
    return np.exp(-c.D * x[:, 1:2]) * np.sin(x[:, :1])


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 2)) * [B, 1]
