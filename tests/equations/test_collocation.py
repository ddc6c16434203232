"""Collocation points and the domain they fill."""

import deepxde as dde
import numpy as np
import pytest

from pacpinn.equations.collocation import bounding_box
from tests.toys import Advection


def test_the_grid_covers_the_domain_with_its_boundary():
    x = Advection().task().grid(per_axis=3)
    assert sorted(map(tuple, x)) == [(a, t) for a in (0, 0.5, 1) for t in (0, 0.25, 0.5)]


def test_the_grid_stays_inside_a_domain_that_is_no_box():
    class Round(Advection):
        def geometry(self, c):
            return dde.geometry.GeometryXTime(dde.geometry.Disk([0, 0], 1), dde.geometry.TimeDomain(0, 1))

    x = Round().task().grid(per_axis=5)
    assert np.hypot(x[:, 0], x[:, 1]).max() <= 1 + 1e-6
    assert len(x) == 13 * 5


@pytest.mark.parametrize(
    ("geometry", "low", "high"),
    [
        (dde.geometry.TimeDomain(0, 2), [0], [2]),
        (dde.geometry.Rectangle([-1, 0], [1, 3]), [-1, 0], [1, 3]),
        (dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 2)), [-1, 0], [1, 2]),
    ],
    ids=["time", "rectangle", "interval with time"],
)
def test_the_bounding_box_has_time_last(geometry, low, high):
    found = bounding_box(geometry)
    np.testing.assert_allclose(found, [low, high])
