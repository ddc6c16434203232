"""u_t = 0.001 lap u + 5 sin(k u^2) (1 + 2 sin(pi t / 4)) sin(4 pi x) sin(2 pi y) on the unit square until t = 100, from
sin(4 pi x) sin(3 pi y); u = 0 on the sides."""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp
from pinnacle_data import tabulated

published = "Heat 2d-LT"


class Heat(pp.Equation):
    k = pp.Coefficient(1.0, low=0.1, high=2.0, doc="nonlinearity")
    inputs = ("x", "y", "t")
    points = pp.Points(domain=4096, boundary=1024, initial=1024)

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Rectangle([0, 0], [1, 1]), dde.geometry.TimeDomain(0, 100))

    def residual(self, x, u, c):
        X, Y, t = x[:, :1], x[:, 1:2], x[:, 2:]
        shape = (1 + 2 * torch.sin(np.pi * t / 4)) * torch.sin(4 * np.pi * X) * torch.sin(2 * np.pi * Y)
        laplacian = dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)
        return dde.grad.jacobian(u, x, j=2) - 0.001 * laplacian - 5 * torch.sin(c.k * u**2) * shape

    def conditions(self, geometry, c):
        def start(x):
            return np.sin(4 * np.pi * x[:, :1]) * np.sin(3 * np.pi * x[:, 1:2])

        return [
            dde.icbc.IC(geometry, start, lambda x, on: on),
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on),
        ]


def case(folder):
    return tabulated(Heat, lambda c: folder / "heat_longtime.dat")
