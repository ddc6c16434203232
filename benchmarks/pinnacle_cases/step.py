"""Flow over a backward-facing step: [0, 4] x [0, 2] without the upper left quarter, viscosity 0.01; it enters on the
left with the speed 4 y (1 - y) and leaves on the right, where p = 0."""

import deepxde as dde
import numpy as np

import pacpinn as pp
from pinnacle_cases.flow import Flow, velocity
from pinnacle_data import tabulated

published = "NS 2d-CG"

BEYOND = 1e-5  # so that the sides of the part that is cut away do not lie on the rectangle's


class Step(Flow):
    nu = pp.Coefficient(0.01, low=0.005, high=0.1, scale="log", doc="viscosity")

    def viscosity(self, c):
        return c.nu

    def geometry(self, c):
        whole = dde.geometry.Rectangle([0, 0], [4, 2])
        return dde.geometry.CSGDifference(whole, dde.geometry.Rectangle([-BEYOND, 1], [2, 2 + BEYOND]))

    def conditions(self, geometry, c):
        def inlet(x, on):
            return on and np.isclose(x[0], 0)

        def outlet(x, on):
            return on and np.isclose(x[0], 4)

        def walls(x, on):
            return on and not inlet(x, on) and not outlet(x, on)

        return [
            *velocity(geometry, inlet, lambda x: 4 * x[:, 1:] * (1 - x[:, 1:])),
            dde.icbc.DirichletBC(geometry, lambda x: 0, outlet, component=2),
            *velocity(geometry, walls),
        ]


def case(folder):
    return tabulated(Step, lambda c: folder / "ns_0_obstacle.dat")
