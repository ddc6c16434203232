"""Vertices of geometries, and conditions without them."""

import deepxde as dde
import numpy as np
import pytest

import pacpinn as pp
from pacpinn.equations.vertices import at_vertices
from tests.toys import blocks_of

SQUARE = dde.geometry.Rectangle([0, 0], [1, 1])
DISK = dde.geometry.Disk([0, 0], 0.5)
QUADRANGLE = [[0, 0], [2, 0], [1, 1], [0, 1]]
HALF = 0.5**0.5


@pytest.mark.parametrize(
    ("geometry", "vertices", "others"),
    [
        (SQUARE, [[0, 0], [1, 0], [0, 1], [1, 1]], [[0.5, 0], [1, 0.3], [0.5, 0.5]]),
        (dde.geometry.Cuboid([0, 0, 0], [1, 2, 3]), [[0, 0, 1], [1, 2, 3], [0.5, 2, 0]], [[0, 1, 1], [0.5, 1, 3]]),
        (dde.geometry.Hypercube([0] * 4, [1] * 4), [[0, 1, 0.5, 0.5], [0, 0, 0, 0]], [[0, 0.5, 0.5, 0.5]]),
        (dde.geometry.Triangle([0, 0], [1, 0], [0, 1]), [[0, 0], [1, 0], [0, 1]], [[0.5, 0.5], [0.2, 0], [0.2, 0.2]]),
        (dde.geometry.Polygon(QUADRANGLE), QUADRANGLE, [[1, 0], [1.5, 0.5], [0, 0.5], [1, 0.5]]),
        (dde.geometry.GeometryXTime(SQUARE, dde.geometry.TimeDomain(0, 1)), [[0, 1, 0.3]], [[0, 0.5, 0], [0.5, 0, 1]]),
        # A square without a quarter of a disk: no vertex at the origin, two where both boundaries meet.
        (dde.geometry.CSGDifference(SQUARE, DISK), [[1, 0], [0.5, 0], [0, 0.5]], [[0, 0], [0.5 * HALF, 0.5 * HALF]]),
        (dde.geometry.CSGIntersection(SQUARE, DISK), [[0, 0], [0.5, 0], [0, 0.5]], [[1, 1], [0.5 * HALF, 0.5 * HALF]]),
        (dde.geometry.CSGUnion(SQUARE, DISK), [[1, 1], [0.5, 0], [0, 0.5]], [[0, 0], [-0.5, 0], [1, 0.5]]),
        (DISK, [], [[0.5, 0], [0, 0.5], [0, 0]]),
        (dde.geometry.Sphere([0, 0, 0], 1), [], [[1, 0, 0]]),
        (dde.geometry.Interval(0, 1), [], [[0], [1], [0.5]]),
        (dde.geometry.TimeDomain(0, 1), [], [[0], [1]]),
        (object(), [], [[0], [1]]),
    ],
    ids=lambda each: type(each).__name__ if not isinstance(each, list) else "",
)
def test_where_the_normal_is_not_unique(geometry, vertices, others):
    found = at_vertices(geometry, np.array([*vertices, *others], dtype=float))
    np.testing.assert_array_equal(found, [True] * len(vertices) + [False] * len(others))


class Insulated(pp.Equation):
    """u_xx + k u_yy = 0 on the unit square, u = 0 at the left, slope 1 at the right, no flux below and above: u = x."""

    k = pp.Coefficient(1.0, low=0.5, high=2.0)
    inputs = ("x", "y")
    points = pp.Points(domain=50, boundary=60)
    hidden = (8,)

    def geometry(self, c):
        return dde.geometry.Rectangle([0, 0], [1, 1])

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x, i=0, j=0) + c.k * dde.grad.hessian(u, x, i=1, j=1)

    def conditions(self, geometry, c):
        return insulated(geometry)


def insulated(geometry):
    def side(j, *values):
        return lambda x, on: on and any(np.isclose(x[j], value) for value in values)

    return [
        dde.icbc.DirichletBC(geometry, lambda x: 0, side(0, 0)),
        dde.icbc.NeumannBC(geometry, lambda x: 1, side(0, 1)),
        dde.icbc.NeumannBC(geometry, lambda x: 0, side(1, 0, 1)),
    ]


def exact(x):
    """u = x, with second derivatives that torch can take."""
    return x[:, :1] + 0 * (x**3).sum(1, keepdim=True)


def given():
    def make_data(c):
        square = dde.geometry.Rectangle([0, 0], [1, 1])
        problem = Insulated()
        return dde.data.PDE(
            square,
            lambda x, u: problem.residual(x, u, c),
            insulated(square),
            num_domain=50,
            num_boundary=60,
            train_distribution="uniform",
        )

    return pp.from_deepxde(make_data, dde.nn.FNN([2, 8, 1], "tanh", "Glorot normal"), Insulated.coefficients)


@pytest.mark.parametrize("problem", [Insulated(), given()], ids=["equation", "DeepXDE's data"])
@pytest.mark.parametrize("fresh", [False, True])
def test_the_exact_solution_has_no_residual_because_no_neumann_condition_is_at_a_vertex(problem, fresh):
    task = problem.task()
    batch = task.fresh(1) if fresh else task.everything()
    begin, end = batch.counts[0], sum(batch.counts)
    assert not at_vertices(problem.geometry(problem.source), batch.points[begin:end]).any()
    assert len(batch.x) == len(batch.points) == batch.rows
    for block in blocks_of(task, exact, batch):
        assert block.values.numel()
        assert block.values.abs().max() < 1e-12


def test_values_are_prescribed_at_vertices_too():
    batch = given().task().everything()
    on_left = batch.points[: batch.counts[0]]
    assert at_vertices(dde.geometry.Rectangle([0, 0], [1, 1]), on_left).any()


def test_a_condition_without_other_points_keeps_them():
    class AtCorner(Insulated):
        points = pp.Points(domain=10, boundary=40, distribution="uniform")

        def conditions(self, geometry, c):
            return [dde.icbc.OperatorBC(geometry, lambda x, u, _: u, lambda x, on: on and max(x[0], x[1]) < 1e-9)]

    batch = AtCorner().task().everything()
    np.testing.assert_array_equal(batch.points[: batch.counts[0]], [[0, 0]])


def test_a_corner_has_the_condition_that_is_stated_for_its_point():
    corner = np.array([[1.0, 1.0]])

    def slope(x, u, _):
        return dde.grad.jacobian(u, x, j=0)

    class Cornered(Insulated):
        def conditions(self, geometry, c):
            at_corner = [dde.icbc.PointSetOperatorBC(corner, 0.25, slope), dde.icbc.PointSetBC(corner, [[3.0]])]
            return [*super().conditions(geometry, c), *at_corner]

    task = Cornered().task()
    batch = task.everything()
    assert batch.counts[-2:] == [1, 1]
    *_, slopes, values = blocks_of(task, exact)
    np.testing.assert_allclose(slopes.values.detach(), [0.75])
    np.testing.assert_allclose(values.values.detach(), [-2.0])
