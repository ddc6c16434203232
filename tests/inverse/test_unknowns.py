"""Unknown coefficients as scaled variables."""

import math

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.errors import CoefficientError, NotIdentifiable
from pacpinn.inverse.unknowns import Unknowns
from tests.reduced_basis.test_greedy import Spring
from tests.toys import Waves


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
