"""The path between two tasks: its coefficients, and solutions on it against known ones."""

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.coefficient_path import CoefficientPath, path_of
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.solution import SolutionOnBase
from pacpinn.solvers.adam import Adam
from tests.toys import Decay, Waves


@pytest.fixture
def context(solved_decay):
    return StepContext(Decay(), solved_decay.bases, solved_decay.settings)


@pytest.fixture
def path(context):
    return CoefficientPath(context, pp.Coefficients(k=1.0), pp.Coefficients(k=1.6))


def on_base(family, k):
    return SolutionOnBase(family[{"k": k}], family.bases[0])


def test_it_is_straight_in_the_coefficients_own_scale(path):
    assert path.at(0.0) == path.start
    assert path.at(0.5).k == pytest.approx(1.6**0.5)


@pytest.mark.parametrize("t", [-0.5, 0.25, 1.0, 2.0])
def test_the_place_of_coefficients_on_it_is_found(path, t):
    assert path.t_of(path.at(t)) == pytest.approx(t)


def test_coefficients_beside_it_have_no_place_on_it():
    context = StepContext(Waves(), [], pp.Settings())
    path = CoefficientPath(context, Waves().at({"shift": 0.0}), Waves().at({"shift": 0.5}))
    assert path.t_of(Waves().at({"shift": 0.25, "rows": 400})) is None


def test_values_and_slope_are_those_of_the_solution(path, solved_decay):
    solved = on_base(solved_decay, 1.3)
    t = path.t_of(solved.coefficients)
    point = path.point(t, solved)
    x = path.x[:, 0]
    np.testing.assert_allclose(point.u, np.exp(-1.3 * x), atol=5e-3)
    dk_dt = 1.3 * np.log(1.6)
    np.testing.assert_allclose(point.slope, -x * np.exp(-1.3 * x) * dk_dt, atol=2e-2)


def test_of_many_free_weights_no_slope_is_computed(path, solved_decay, monkeypatch):
    monkeypatch.setattr("pacpinn.continuation.coefficient_path._MOST_WEIGHTS", 10)
    assert np.isnan(path.slope(0.0, on_base(solved_decay, 1.0))).all()


def test_a_segment_of_an_equation_has_a_path(solved_decay, context):
    start = on_base(solved_decay, 1.0)
    path = path_of(context, PathSegment(start, pp.Coefficients(k=1.6)))
    assert (path.start, path.end) == (pp.Coefficients(k=1.0), pp.Coefficients(k=1.6))
    assert path_of(context, PathSegment(start, pp.Coefficients(k=1.0))) is None


def test_a_segment_of_data_has_none():
    family = pp.solve_family(Waves(), keep=0.5, solver=Adam(steps=2))
    start = SolutionOnBase(family.source, family.bases[0])
    context = StepContext(Waves(), family.bases, family.settings)
    assert path_of(context, PathSegment(start, family.targets[0].coefficients)) is None
