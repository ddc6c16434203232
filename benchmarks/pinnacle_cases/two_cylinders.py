"""Flow around two cylinders in a channel of 8 x 8, viscosity 1; it enters on the left with the speed y (8 - y) / 16 and
leaves on the right, where p = 0. Not in the paper's table."""

import deepxde as dde
import numpy as np

import pacpinn as pp
from pinnacle_cases.flow import Flow, velocity
from pinnacle_data import tabulated

published = None


class Channel(Flow):
    nu = pp.Coefficient(1.0, low=0.5, high=10.0, scale="log", doc="viscosity")

    def viscosity(self, c):
        return c.nu

    def geometry(self, c):
        found = dde.geometry.Rectangle([0, 0], [8, 8])
        for centre, radius in (((6, 6), 1.0), ((2, 1), 0.5)):
            found = dde.geometry.CSGDifference(found, dde.geometry.Disk(centre, radius))
        return found

    def conditions(self, geometry, c):
        def inlet(x, on):
            return on and np.isclose(x[0], 0)

        def outlet(x, on):
            return on and np.isclose(x[0], 8)

        def sides(x, on):
            return on and (np.isclose(x[1], 0) or np.isclose(x[1], 8))

        def cylinders(x, on):
            return on and not (inlet(x, on) or outlet(x, on) or sides(x, on))

        return [
            *velocity(geometry, inlet, lambda x: x[:, 1:] * (8 - x[:, 1:]) / 16),
            dde.icbc.DirichletBC(geometry, lambda x: 0, outlet, component=2),
            *velocity(geometry, sides),
            *velocity(geometry, cylinders),
        ]


def case(folder):
    return tabulated(Channel, lambda c: folder / "ns2d.dat")
