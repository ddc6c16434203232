"""Navier-Stokes, Taylor-Green vortex on [0, 2 pi]^2 x [0, 1]; velocity and pressure given on the boundary, velocity at
the start.

Right values: u = cos x sin y e, v = -sin x cos y e, p = -(cos 2x + cos 2y) e^2 / 4 with e = exp(-2 nu t).
"""

import deepxde as dde
import numpy as np

import pacpinn as pp

targets = [{"nu": v} for v in (0.02, 0.03, 0.1)]
within = {"nu": (0.02, 0.07)}
goal = 1e-2
P = 2 * np.pi


class Vortex(pp.Equation):
    nu = pp.Coefficient(0.05, low=0.01, high=0.1, scale="log", doc="kinematic viscosity")
    inputs, outputs = ("x", "y", "t"), ("u", "v", "p")
    points = pp.Points(domain=1024, boundary=300, initial=300)

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Rectangle([0, 0], [P, P]), dde.geometry.TimeDomain(0, 1))

    def residual(self, x, w, c):
        u, v = w[:, :1], w[:, 1:2]

        def d(i, j):
            return dde.grad.jacobian(w, x, i=i, j=j)

        def lap(k):
            return dde.grad.hessian(w, x, component=k, i=0, j=0) + dde.grad.hessian(w, x, component=k, i=1, j=1)

        return [
            d(0, 2) + u * d(0, 0) + v * d(0, 1) + d(2, 0) - c.nu * lap(0),
            d(1, 2) + u * d(1, 0) + v * d(1, 1) + d(2, 1) - c.nu * lap(1),
            d(0, 0) + d(1, 1),
        ]

    def conditions(self, geometry, c):
        def column(i):
            return lambda x: exact(x, c)[:, i : i + 1]

        sides = [dde.icbc.DirichletBC(geometry, column(i), lambda x, on: on, component=i) for i in (0, 1, 2)]
        return sides + [dde.icbc.IC(geometry, column(i), lambda x, on: on, component=i) for i in (0, 1)]


def problem():
    return Vortex()


def exact(x, c):
    X, Y, e = x[:, :1], x[:, 1:2], np.exp(-2 * c.nu * x[:, 2:3])
    p = -(np.cos(2 * X) + np.cos(2 * Y)) / 4 * e**2
    return np.hstack([np.cos(X) * np.sin(Y) * e, -np.sin(X) * np.cos(Y) * e, p])


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 3)) * [P, P, 1]
