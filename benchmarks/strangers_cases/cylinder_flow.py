"""Potential flow past a cylinder, Laplace on a rectangle minus a disk, normal velocity given on every boundary, so
that the potential is known up to a constant (one point); the radius R changes the geometry (lululxvi/deepxde#49).

Right values: phi = U x (1 + R^2 / r^2). A range over R may be refused; within is over the speed U.
"""

import deepxde as dde
import numpy as np

import pacpinn as pp

targets = [{"R": 0.5, "U": 1.5}, {"R": 0.7, "U": 1.5}, {"R": 0.7, "U": 0.7}]
within = {"U": (0.7, 1.5)}
goal = 1e-2


class Flow(pp.Equation):
    R = pp.Coefficient(0.6, low=0.4, high=0.8)
    U = pp.Coefficient(1.0, low=0.5, high=2.0)
    inputs, outputs = ("x", "y"), ("phi",)
    points = pp.Points(domain=600, boundary=300)
    hidden = (20, 20, 20)

    def geometry(self, c):
        return dde.geometry.CSGDifference(dde.geometry.Rectangle([-2, -1.5], [2, 1.5]), dde.geometry.Disk([0, 0], c.R))

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)

    def conditions(self, g, c):
        def outer(x, on):
            return on and np.hypot(x[0], x[1]) > 1.2

        def slope(x):
            r2, n = np.sum(x**2, 1, keepdims=True), g.boundary_normal(x)
            ux = c.U * (1 + c.R**2 * (x[:, 1:2] ** 2 - x[:, :1] ** 2) / r2**2)
            return ux * n[:, :1] - 2 * c.U * c.R**2 * x[:, :1] * x[:, 1:2] / r2**2 * n[:, 1:2]

        return [
            dde.icbc.NeumannBC(g, lambda x: 0, lambda x, on: on and not outer(x, on)),
            dde.icbc.NeumannBC(g, slope, outer),
            dde.icbc.PointSetBC(np.array([[0.0, 1.2]]), np.array([[0.0]])),
        ]


def problem():
    return Flow()


def exact(x, c):
    return c.U * x[:, :1] * (1 + c.R**2 / np.sum(x**2, 1, keepdims=True))


def points(c, n):
    x = np.random.default_rng(0).uniform([-2, -1.5], [2, 1.5], (2 * n, 2))
    return x[np.hypot(*x.T) > c.R][:n]
