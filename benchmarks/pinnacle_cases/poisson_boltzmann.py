"""-lap u + k^2 u = f on [-1, 1]^2 without four disks of unlike size; u = 0.2 on the sides and 1 on the disks."""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp
from pinnacle_data import tabulated

published = "Poisson 2d-CG"

DISKS = (((0.5, 0.5), 0.2), ((0.4, -0.4), 0.4), ((-0.2, -0.7), 0.1), ((-0.6, 0.5), 0.3))


class PoissonBoltzmann(pp.Equation):
    k = pp.Coefficient(8.0, low=1.0, high=20.0, scale="log", doc="inverse screening length")
    inputs = ("x", "y")
    points = pp.Points(domain=1024, boundary=256)

    def geometry(self, c):
        found = dde.geometry.Rectangle([-1, -1], [1, 1])
        for centre, radius in DISKS:
            found = dde.geometry.CSGDifference(found, dde.geometry.Disk(centre, radius))
        return found

    def residual(self, x, u, c):
        X, Y = x[:, :1], x[:, 1:]
        f = 10 * (1 + X**2 + 16 + Y**2) * torch.sin(np.pi * X) * torch.sin(4 * np.pi * Y)
        laplacian = dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)
        return -laplacian + c.k**2 * u - f

    def conditions(self, geometry, c):
        def outer(x, on):
            return on and np.isclose(np.max(np.abs(x)), 1)

        return [
            dde.icbc.DirichletBC(geometry, lambda x: 0.2, outer),
            dde.icbc.DirichletBC(geometry, lambda x: 1, lambda x, on: on and not outer(x, on)),
        ]


def case(folder):
    return tabulated(PoissonBoltzmann, lambda c: folder / "poisson_boltzmann2d.dat")
