"""Flow in a unit square, viscosity 0.01, whose lid moves with the speed a x (1 - x): one family over a.

The paper's row is a = 4, which is solved first.
"""

import deepxde as dde
import numpy as np

import pacpinn as pp
from pinnacle_cases.flow import Flow, velocity
from pinnacle_data import tabulated

published = "NS 2d-C"


class Cavity(Flow):
    a = pp.Coefficient(4.0, low=1.0, high=32.0, scale="log", doc="four times the lid's highest speed")

    def viscosity(self, c):
        return 0.01

    def geometry(self, c):
        return dde.geometry.Rectangle([0, 0], [1, 1])

    def conditions(self, geometry, c):
        def lid(x, on):
            return on and np.isclose(x[1], 1)

        def walls(x, on):
            return on and not lid(x, on)

        return [
            *velocity(geometry, lid, lambda x: c.a * x[:, :1] * (1 - x[:, :1])),
            *velocity(geometry, walls),
            dde.icbc.PointSetBC(np.array([[0.0, 0.0]]), np.array([[0.0]]), component=2),
        ]


def case(folder):
    targets = [{"a": a} for a in (2.0, 8.0, 16.0, 32.0)]
    return tabulated(Cavity, lambda c: folder / f"lid_driven_a{c.a:g}.dat", targets)
