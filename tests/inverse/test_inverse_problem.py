"""Unknown coefficients as scaled variables; noise, bias and covariance of an inverse problem."""

import math

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.errors import CoefficientError, MeasurementError, NotIdentifiable
from pacpinn.inverse.inverse_problem import InverseProblem, Point, Unknowns
from tests.reduced_basis.test_greedy import Spring
from tests.toys import Decay, Waves

RATE = pp.Coefficients(k=2.0)
T = np.linspace(0, 1, 5)[:, None]


def problem(deviation=None, rows=5):
    measurements = pp.Measurements(T[:rows], np.full((rows, 1), 3.0), deviation)
    return InverseProblem(measurements, Unknowns(Decay(), ["k"]), RATE, None)


def point(differences):
    return Point(RATE, np.array(differences), np.array([[2.0], [0.0], [0.0], [0.0], [0.0]]), None)


def test_noise_is_one_if_it_is_given_and_else_estimated_with_the_degrees_of_freedom():
    differences = [1.0, 1.0, 1.0, 1.0, 0.0]
    assert problem(0.1).noise(point(differences)) == 1
    assert problem().noise(point(differences)) == 1.0  # (4 / (5 - 1)) ** 0.5
    assert problem().noise(point([4.0, 0.0, 0.0, 0.0, 0.0])) == 2.0


def test_the_largest_bias_is_the_solutions_error_at_the_measurements_over_the_noise():
    assert problem(0.1).largest_bias(point([0.0] * 5), 1e-3) == pytest.approx(1e-3 * 30 * 5**0.5)
    assert problem().largest_bias(point([0.0] * 5), 1e-3) == math.inf


def test_bias_is_how_far_errors_move_the_estimates():
    errors = np.array([0.3, 10.0, -5.0, 0.0, 1.0])  # only the first measurement depends on the unknown
    assert problem(0.1).bias(point([0.0] * 5), errors) == pytest.approx(0.3)
    assert problem().bias(point([0.0] * 5), errors) == math.inf


def test_covariance_is_that_of_the_coefficients():
    assert problem(0.1).covariance(point([0.0] * 5)) == pytest.approx(np.array([[(2.0 / 2.0) ** 2]]))  # dk / dlog k = k


def test_too_few_measurements():
    with pytest.raises(MeasurementError, match=r"1 measurements for 1 unknowns \(k\) and the noise.* expected 2"):
        problem(rows=1)
    assert problem(0.1, rows=1).noise_known


class Wide(Spring):
    """A logarithmic rate and a linear force."""

    force = pp.Coefficient(1.0, low=-1.0, high=3.0)


BOTH, C = Unknowns(Wide(), ["k", "force"]), pp.Coefficients(k=2.0, force=1.0)


def test_logarithms_and_parts_of_the_range():
    assert BOTH.places(C) == pytest.approx([math.log(2), 1 / 4])
    assert BOTH.ranges == pytest.approx([math.log(100), 1])


def test_there_and_back():
    assert dict(BOTH.at(BOTH.places(C), C)) == pytest.approx(dict(C))


def test_what_lies_outside_is_held_at_the_end_exactly():
    assert dict(BOTH.at(np.array([1e4, -5.0]), C)) == {"k": 10.0, "force": -1.0}
    assert BOTH.held(pp.Coefficients(k=10.0, force=0.0)) == ["k"]


def test_slopes_are_derivatives():
    places, h = BOTH.places(C), 1e-6
    for i, name in enumerate(BOTH.names):
        above, below = (BOTH.at(places + s * np.eye(2)[i], C)[name] for s in (h, -h))
        assert BOTH.slopes(C)[i] == pytest.approx((above - below) / (2 * h))


def test_steps_are_bounded_at_the_ends_only():
    lower, upper = BOTH.step_bounds(pp.Coefficients(k=10.0, force=-1.0))
    assert lower.tolist() == [-math.inf, 0]
    assert upper.tolist() == [0, math.inf]


def test_measurements_that_determine_all():
    BOTH.require_identifiable(np.array([[1.0, 0.0], [0.0, 1e-3]]), rest=0.0)


def test_the_accuracy_of_the_slopes_counts():
    with pytest.raises(NotIdentifiable):
        BOTH.require_identifiable(np.array([[1.0, 0.0], [0.0, 1e-3]]), rest=1e-3)


@pytest.mark.parametrize(
    ("slopes", "message"),
    [
        ([[1.0, 0.0], [2.0, 0.0]], "force cannot be found: the measurements do not depend on it"),
        (
            [[1.0, 1.0], [2.0, 2.0]],
            r"k and force cannot be told .* along \+0.71 k -0.71 force \(each in its own",
        ),
        ([[0.0, 0.0], [0.0, 0.0]], "cannot be found"),
    ],
)
def test_measurements_that_do_not(slopes, message):
    with pytest.raises(NotIdentifiable, match=message):
        BOTH.require_identifiable(np.array(slopes), rest=0.0)


def test_whole_numbers_are_no_unknowns():
    with pytest.raises(CoefficientError, match=r"rows takes whole numbers only.*no derivative"):
        Unknowns(Waves(), ["rows"])
