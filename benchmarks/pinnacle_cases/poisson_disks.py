"""Laplace's equation on a square of side s without four disks; u = 1 on the square's sides and 0 on the disks."""

import deepxde as dde
import numpy as np

import pacpinn as pp
from pinnacle_data import tabulated

published = "Poisson 2d-C"


class Laplace(pp.Equation):
    s = pp.Coefficient(1.0, low=0.5, high=16.0, scale="log", doc="side of the square")
    inputs = ("x", "y")
    points = pp.Points(domain=1024, boundary=256)

    def geometry(self, c):
        found = dde.geometry.Rectangle([-c.s / 2, -c.s / 2], [c.s / 2, c.s / 2])
        for x in (-0.3, 0.3):
            for y in (-0.3, 0.3):
                found = dde.geometry.CSGDifference(found, dde.geometry.Disk([x * c.s, y * c.s], 0.1 * c.s))
        return found

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)

    def conditions(self, geometry, c):
        def outer(x, on):
            return on and np.isclose(np.max(np.abs(x)), c.s / 2)

        return [
            dde.icbc.DirichletBC(geometry, lambda x: 1, outer),
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on and not outer(x, on)),
        ]


def case(folder):
    return tabulated(Laplace, lambda c: folder / "poisson1_cg_data.dat")
