"""Find a(x, y) in u_t = div(a grad u) + f on [-1, 1]^2 until t = 1 from 2,500 values of u with noise of deviation 0.1,
and a on the sides; a is a second output of the network.

PINNacle's network keeps time from a; here a_t = 0 is a second equation.
"""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp
from pinnacle_data import closed_form

published = "HInv"


class Conductivity(pp.Equation):
    decay = pp.Coefficient(1.0, low=0.1, high=2.0, doc="rate at which u decays")
    inputs, outputs = ("x", "y", "t"), ("u", "a")
    points = pp.Points(domain=4096, boundary=1024)

    def __init__(self, measured_at):
        super().__init__()
        self.measured_at = measured_at

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Rectangle([-1, -1], [1, 1]), dde.geometry.TimeDomain(0, 1))

    def residual(self, x, w, c):
        (sx, cx), (sy, cy) = ((torch.sin(np.pi * x[:, i : i + 1]), torch.cos(np.pi * x[:, i : i + 1])) for i in (0, 1))
        s = sx * sy
        slopes = (cx * sy) ** 2 + (sx * cy) ** 2
        source = torch.exp(-c.decay * x[:, 2:]) * ((4 * np.pi**2 - c.decay) * s + np.pi**2 * (2 * s**2 - slopes))
        flux = [w[:, 1:] * dde.grad.jacobian(w, x, i=0, j=j) for j in (0, 1)]
        divergence = sum(dde.grad.jacobian(flux[j], x, j=j) for j in (0, 1))
        return [dde.grad.jacobian(w, x, i=0, j=2) - divergence - source, dde.grad.jacobian(w, x, i=1, j=2)]

    def conditions(self, geometry, c):
        noise = np.random.default_rng(0).normal(scale=0.1, size=(len(self.measured_at), 1))
        return [
            dde.icbc.PointSetBC(self.measured_at, exact(self.measured_at, c)[:, :1] + noise, component=0),
            dde.icbc.DirichletBC(geometry, lambda x: exact(x, c)[:, 1:], lambda x, on: on, component=1),
        ]


def exact(x, c):
    shape = np.sin(np.pi * x[:, :1]) * np.sin(np.pi * x[:, 1:2])
    return np.hstack([np.exp(-c.decay * x[:, 2:]) * shape, 2 + shape])


def points(c, n):
    return np.random.default_rng(0).uniform([-1, -1, 0], 1, (n, 3))


def case(folder):
    def problem():
        return Conductivity(np.loadtxt(folder / "heatinv_points.dat"))

    return closed_form(problem, exact, points)
