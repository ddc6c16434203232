"""u_t = u_xx / (500 pi)^2 + u_yy / pi^2 on the unit square until t = 5 from sin(m pi x) sin(pi y), m = 20; u = 0 on the
sides.

A product of the first wave in y and the m-th in x, each with its decay, is the solution.
"""

import deepxde as dde
import numpy as np

import pacpinn as pp
from pinnacle_data import closed_form

published = "Heat 2d-MS"

ALONG, ACROSS = 1 / (500 * np.pi) ** 2, 1 / np.pi**2


class Heat(pp.Equation):
    m = pp.Coefficient(20.0, low=5.0, high=40.0, scale="log", doc="half waves in x")
    inputs = ("x", "y", "t")
    points = pp.Points(domain=4096, boundary=1024, initial=1024)

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Rectangle([0, 0], [1, 1]), dde.geometry.TimeDomain(0, 5))

    def residual(self, x, u, c):
        u_xx, u_yy = (dde.grad.hessian(u, x, i=i, j=i) for i in (0, 1))
        return dde.grad.jacobian(u, x, j=2) - ALONG * u_xx - ACROSS * u_yy

    def conditions(self, geometry, c):
        return [
            dde.icbc.IC(geometry, lambda x: exact(x, c), lambda x, on: on),
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on),
        ]


def exact(x, c):
    decay = ALONG * (c.m * np.pi) ** 2 + ACROSS * np.pi**2
    return np.sin(c.m * np.pi * x[:, :1]) * np.sin(np.pi * x[:, 1:2]) * np.exp(-decay * x[:, 2:])


def points(c, n):
    return np.random.default_rng(0).uniform(0, [1, 1, 5], (n, 3))


def case(folder):
    return closed_form(Heat, exact, points)
