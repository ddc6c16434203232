"""Points on the boundary of constructive geometry."""

import deepxde as dde
import numpy as np
import pytest

import pacpinn as pp
from pacpinn.equations.boundary_points import boundary_points, is_constructed
from pacpinn.runtime.isolation import untouched
from tests.toys import small_network

SQUARE = dde.geometry.Rectangle([0, 0], [4, 4])
HOLES = [dde.geometry.Disk(centre, 0.4) for centre in ([1, 1], [3, 1], [1, 3], [3, 3])]


def cut(geometry, parts):
    for each in parts:
        geometry = dde.geometry.CSGDifference(geometry, each)
    return geometry


def drawn(geometry, count, distribution="pseudo"):
    with untouched(0):
        return boundary_points(geometry, count, distribution)


@pytest.mark.parametrize("distribution", ["pseudo", "Hammersley", "LHS", "uniform"])
def test_each_part_has_its_share_however_they_are_nested(distribution):
    whole = cut(SQUARE, HOLES)
    x = drawn(whole, 800, distribution)
    assert x.shape == (800, 2)
    assert whole.on_boundary(x).all()
    shares = [each.on_boundary(x).mean() for each in [SQUARE, *HOLES]]
    # the boxes of the holes have sides of 0.8: perimeters of 16 and four times 3.2
    assert shares == pytest.approx([16 / 28.8, *[3.2 / 28.8] * 4], rel=0.15)


def test_of_a_part_that_is_cut_away_only_what_is_left_counts():
    step = cut(SQUARE, [dde.geometry.Rectangle([-1, 2], [2, 5])])  # half of two sides is gone, two are new
    x = drawn(step, 1000)
    assert step.on_boundary(x).all()
    new = (np.isclose(x[:, 0], 2) & (x[:, 1] > 2)) | (np.isclose(x[:, 1], 2) & (x[:, 0] < 2))
    assert new.mean() == pytest.approx(4 / 16, rel=0.15)


@pytest.mark.parametrize("kind", [dde.geometry.CSGUnion, dde.geometry.CSGIntersection])
def test_unions_and_intersections(kind):
    whole = kind(SQUARE, dde.geometry.Disk([4, 2], 1))
    x = drawn(whole, 300)
    assert whole.on_boundary(x).all()
    assert len(np.unique(x, axis=0)) == 300


def test_in_space():
    ball = dde.geometry.Sphere([0, 0, 0], 1)
    whole = cut(dde.geometry.Cuboid([-2, -2, -2], [2, 2, 2]), [ball])
    x = drawn(whole, 1000)
    assert ball.on_boundary(x).mean() == pytest.approx(24 / (96 + 24), rel=0.2)


def test_with_time_each_point_has_its_own():
    time = dde.geometry.TimeDomain(1, 3)
    x = drawn(dde.geometry.GeometryXTime(cut(SQUARE, HOLES), time), 400)
    assert x.shape == (400, 3)
    assert ((x[:, 2] >= 1) & (x[:, 2] <= 3)).all()
    assert len(np.unique(x[:, 2])) == 400
    assert abs(np.corrcoef(x[:, 2], x[:, 0])[0, 1]) < 0.2


def test_other_geometry_is_left_to_deepxde():
    assert is_constructed(cut(SQUARE, HOLES[:1]))
    assert not is_constructed(SQUARE)


def test_a_task_has_as_many_points_on_the_boundary_as_asked_for():
    class Holes(pp.Equation):
        inputs, points = ("x", "y"), pp.Points(domain=50, boundary=120)

        def geometry(self, c):
            return cut(SQUARE, HOLES)

        def residual(self, x, u, c):
            return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)

        def conditions(self, geometry, c):
            return [dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on)]

        def network(self, seed):
            return small_network(seed)

    batch = Holes().task().everything()
    assert batch.counts == [120]
    assert len(batch.x) == 120 + 50 + 120
    assert SQUARE.on_boundary(batch.points[:120]).sum() > 50
