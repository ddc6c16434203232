"""Find a(x, y) in -div(a grad u) = f on the unit square from 2,500 values of u with noise of deviation 0.1, and a on
the sides; a is a second output of the network.

The source of PINNacle's repository has (2 x + 1) and (2 y + 1) where its solution needs (2 x - 1) and (2 y - 1). It is
taken as it stands (shift = 1), and as the solution needs it (shift = -1).
"""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp
from pinnacle_data import closed_form

published = "PInv"


class Conductivity(pp.Equation):
    shift = pp.Coefficient(1.0, low=-1.0, high=1.0, doc="in the source; the solution fits -1")
    inputs, outputs = ("x", "y"), ("u", "a")
    points = pp.Points(domain=1024, boundary=256)

    def geometry(self, c):
        return dde.geometry.Rectangle([0, 0], [1, 1])

    def residual(self, x, w, c):
        X, Y = x[:, :1], x[:, 1:]
        (sx, cx), (sy, cy) = ((torch.sin(np.pi * each), torch.cos(np.pi * each)) for each in (X, Y))
        a = conductivity(X, Y)
        slopes = (2 * X + c.shift) * cx * sy + (2 * Y + c.shift) * sx * cy
        source = 2 * np.pi**2 * a * sx * sy + 2 * np.pi * a**2 * slopes
        flux = [w[:, 1:] * dde.grad.jacobian(w, x, i=0, j=j) for j in (0, 1)]
        return sum(dde.grad.jacobian(flux[j], x, j=j) for j in (0, 1)) + source

    def conditions(self, geometry, c):
        axis = np.linspace(0, 1, 50)
        x = np.stack([each.ravel() for each in np.meshgrid(axis, axis)], axis=1)
        measured = exact(x, c)[:, :1] + np.random.default_rng(0).normal(scale=0.1, size=(len(x), 1))
        return [
            dde.icbc.PointSetBC(x, measured, component=0),
            dde.icbc.DirichletBC(geometry, lambda x: exact(x, c)[:, 1:], lambda x, on: on, component=1),
        ]


def conductivity(x, y):
    return 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)


def exact(x, c):
    X, Y = x[:, :1], x[:, 1:]
    return np.hstack([np.sin(np.pi * X) * np.sin(np.pi * Y), conductivity(X, Y)])


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 2))


def case(folder):
    return closed_form(Conductivity, exact, points, targets=[{"shift": -1.0}])
