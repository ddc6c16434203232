"""Burgers' equation at viscosity 0.01 / pi on [-1, 1] x [0, 1] from -sin(pi x), 0 at both ends: a steep front."""

import deepxde as dde
import numpy as np

import pacpinn as pp
from pinnacle_data import tabulated

published = "Burgers 1d-C"


class Burgers(pp.Equation):
    nu = pp.Coefficient(0.01 / np.pi, low=1e-3, high=0.1, scale="log", doc="viscosity")
    points = pp.Points(domain=1024, boundary=256, initial=256)

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1))

    def residual(self, x, u, c):
        u_x, u_t = (dde.grad.jacobian(u, x, j=j) for j in (0, 1))
        return u_t + u * u_x - c.nu * dde.grad.hessian(u, x, i=0, j=0)

    def conditions(self, geometry, c):
        return [
            dde.icbc.IC(geometry, lambda x: -np.sin(np.pi * x[:, :1]), lambda x, on: on),
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on),
        ]


def case(folder):
    return tabulated(Burgers, lambda c: folder / "burgers1d.dat")
