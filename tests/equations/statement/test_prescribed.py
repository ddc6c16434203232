"""Where conditions hold and what they prescribe."""

import deepxde as dde
import numpy as np
import pytest

import pacpinn as pp
from pacpinn.equations.statement.prescribed import require_numbers, require_own_geometry
from pacpinn.errors import ResidualError
from tests.toys import Advection, SoftDecay

SQUARE, DISK = dde.geometry.Rectangle([0, 0], [1, 1]), dde.geometry.Disk([0.5, 0.5], 0.5)
TIME = dde.geometry.TimeDomain(0, 1)
ROD = dde.geometry.Interval(0, 1)


def in_time(geometry, end=1):
    return dde.geometry.GeometryXTime(geometry, dde.geometry.TimeDomain(0, end))


def value(geometry):
    return dde.icbc.DirichletBC(geometry, lambda x: 0, lambda x, on: on)


@pytest.mark.parametrize(
    ("geometry", "own"),
    [
        (SQUARE, dde.geometry.Rectangle([0, 0], [1, 1])),
        (SQUARE, dde.geometry.Hypercube([0, 0], [1, 1])),
        (TIME, dde.geometry.TimeDomain(0, 1 + 1e-8)),
        (in_time(ROD), in_time(dde.geometry.Interval(0, 1))),
        (dde.geometry.CSGDifference(SQUARE, DISK), DISK),
        (in_time(dde.geometry.CSGDifference(SQUARE, DISK)), in_time(DISK)),
        (SQUARE, dde.geometry.Disk([0.5, 0.5], 0.2)),
        (in_time(SQUARE), in_time(dde.geometry.Rectangle([0.2, 0.2], [0.4, 0.4]))),
    ],
    ids=["equal", "equal cube", "rounded", "equal with time", "part", "part with time", "inside", "inside with time"],
)
def test_an_equal_geometry_or_a_part_is_the_equations_own(geometry, own):
    data = dde.icbc.PointSetBC(np.array([[0.0, 5.0]]), np.zeros((1, 1)))
    require_own_geometry(SoftDecay(), geometry, [value(geometry), value(own), data])


@pytest.mark.parametrize(
    ("geometry", "other", "message"),
    [
        (
            TIME,
            dde.geometry.TimeDomain(0, 2),
            r"TimeDomain from \(0\) to \(2\); .*TimeDomain from \(0\) to \(1\)",
        ),
        (SQUARE, DISK, r"Disk from \(0, 0\) to \(1, 1\); the equation's is Rectangle"),
        (in_time(ROD), ROD, r"Interval from \(0\) to \(1\); .* is GeometryXTime of Interval from \(0, 0\)"),
        (in_time(ROD), in_time(ROD, end=3), r".*to \(1, 3\); .*to \(1, 1\). Make the condition with the same geometry"),
        (ROD, dde.geometry.Interval(0.2, 0.4), r"Interval from \(0.2\) to \(0.4\)"),
        (in_time(SQUARE), in_time(dde.geometry.Disk([0.5, 0.5], 0.2), end=2), r"GeometryXTime of Disk"),
        (SQUARE, dde.geometry.Hypercube([0] * 3, [1] * 3), r"Hypercube from \(0, 0, 0\)"),
    ],
    ids=["box", "kind", "without time", "other time", "inside a rod", "inside, other time", "dimension"],
)
def test_a_condition_of_another_geometry_is_refused(geometry, other, message):
    with pytest.raises(
        ResidualError,
        match=rf"condition 2 \(DirichletBC\) of soft_decay has been made with another geometry, {message}",
    ):
        require_own_geometry(SoftDecay(), geometry, [value(geometry), value(other)])


def test_horizons_have_conditions_of_their_own():
    class Grown(Advection):
        horizons = (0.5,)

    problem = Grown()
    (horizon,) = problem.task().easier()
    require_own_geometry(problem, horizon._domain(), horizon.conditions())


def not_a_number_late(x):
    return np.where(x[:, :1] > 0.5, np.nan, x[:, :1])


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (lambda g: dde.icbc.IC(g, lambda t: float("nan"), lambda _, on: on), r"2 \(IC\) .* prescribes nan at t = 0;"),
        (lambda g: dde.icbc.DirichletBC(g, not_a_number_late, lambda _, on: on), r"\(DirichletBC\) .* nan at t = 1;"),
        (lambda g: dde.icbc.NeumannBC(g, lambda t: np.inf, lambda _, on: on), r"\(NeumannBC\) .* prescribes inf at"),
        (
            lambda g: dde.icbc.PointSetBC(np.array([[0.25], [0.5]]), np.array([[1.0], [np.nan]])),
            r"\(PointSetBC\) of nan_decay prescribes nan at t = 0.5; expected a number at every point",
        ),
    ],
    ids=["IC", "Dirichlet", "Neumann", "points"],
)
def test_a_condition_that_prescribes_no_number_is_refused(condition, message):
    class NanDecay(SoftDecay):
        def conditions(self, geometry, c):
            return [*super().conditions(geometry, c), condition(geometry)]

    problem = NanDecay()
    with pytest.raises(ResidualError, match=message):
        require_numbers(problem, problem.task().everything())


def test_numbers_and_operators_pass():
    class Plain(SoftDecay):
        def conditions(self, geometry, c):
            operator = dde.icbc.OperatorBC(geometry, lambda t, u, _: u, lambda _, on: on)
            data = dde.icbc.PointSetOperatorBC(np.array([[0.5]]), 0.0, lambda t, u, _: u)
            return [*super().conditions(geometry, c), operator, data]

    require_numbers(Plain(), Plain().task().everything())
    require_numbers(Advection(), Advection().task().everything())


def test_a_solve_says_so_before_any_work():
    class Elsewhere(SoftDecay):
        def conditions(self, geometry, c):
            return [dde.icbc.IC(dde.geometry.TimeDomain(0.5, 1), lambda t: 1, lambda _, on_initial: on_initial)]

    with pytest.raises(ResidualError, match=r"another geometry, TimeDomain from \(0.5\) to \(1\)"):
        pp.solve_family(Elsewhere())
