"""u_tt = 4 u_xx on the unit interval until t = 1, at rest at the start; two standing waves, of one and of four half
waves.

PINNacle takes time as a second coordinate of a square, of which no values are given at t = 1.
"""

import deepxde as dde
import numpy as np

import pacpinn as pp
from pinnacle_data import closed_form

published = "Wave 1d-C"


class Wave(pp.Equation):
    m = pp.Coefficient(4.0, low=2.0, high=10.0, doc="half waves of the second standing wave")
    points = pp.Points(domain=1024, boundary=256)

    def geometry(self, c):
        return dde.geometry.Rectangle([0, 0], [1, 1])

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x, i=1, j=1) - 4 * dde.grad.hessian(u, x, i=0, j=0)

    def conditions(self, geometry, c):
        def start(x, on):
            return on and np.isclose(x[1], 0)

        def ends(x, on):
            return on and (np.isclose(x[0], 0) or np.isclose(x[0], 1))

        return [
            dde.icbc.NeumannBC(geometry, lambda x: 0, start),
            dde.icbc.DirichletBC(geometry, lambda x: exact(x, c), start),
            dde.icbc.DirichletBC(geometry, lambda x: exact(x, c), ends),
        ]


def exact(x, c):
    def standing(m):
        return np.sin(m * np.pi * x[:, :1]) * np.cos(2 * m * np.pi * x[:, 1:])

    return standing(1) + 0.5 * standing(c.m)


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 2))


def case(folder):
    return closed_form(Wave, exact, points)
