"""Questions to a family, and which answers can be trusted."""

import logging

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.errors import CoefficientError, NotAccurate, NotSolved, PacpinnError
from tests.toys import Decay, Waves

T = np.linspace(0, 1, 13)[:, None]


class Spring(Decay):
    mass = pp.Coefficient(1.0, low=0.5, high=2.0)


def test_at_answers_one_or_many(family):
    assert family.at(k=1.45, tolerance=1).kind == "reduced basis"
    answers = family.at(k=np.linspace(1, 1.6, 5), tolerance=1)
    assert [each.coefficients.k for each in answers] == pytest.approx([1, 1.15, 1.3, 1.45, 1.6])
    assert [each.kind for each in answers].count("calibrated") == 3


@pytest.mark.parametrize("k", [1.0, 1.3, 1.6])
def test_predict_gives_the_solution_of_a_member(solved_decay, k):
    answer = solved_decay.predict(T, k=k)
    assert answer.shape == T.shape
    np.testing.assert_allclose(answer, np.exp(-k * T), atol=2e-3)


def test_predict_takes_lists_and_whole_numbers(solved_decay):
    np.testing.assert_array_equal(solved_decay.predict([[0], [1]]), solved_decay.predict(np.array([[0.0], [1.0]])))


def test_predict_without_coefficients_is_the_source(solved_decay):
    np.testing.assert_array_equal(solved_decay.predict(T), solved_decay.predict(T, k=1.0))


@pytest.mark.parametrize("points", [[0.0, 1.0], [[0.0, 1.0]], 0.5, [[[0.0]]]], ids=["flat", "two", "scalar", "deep"])
def test_points_of_the_wrong_shape(solved_decay, points):
    with pytest.raises(PacpinnError, match=r"points of shape .*; expected \(rows, 1\) with columns t"):
        solved_decay.predict(points)


def test_no_points_give_no_values(solved_decay):
    assert solved_decay.predict(np.zeros((0, 1))).shape == (0, 1)


def test_a_coefficient_out_of_range_is_refused(solved_decay):
    with pytest.raises(CoefficientError, match="k=99 lies outside its range"):
        solved_decay.predict(T, k=99)


def test_predict_takes_what_at_takes(family):
    one = family.predict(T, k=1.45, tolerance=1)
    many = family.predict(T, k=[1.45, 1.3], tolerance=1)
    assert one.shape == (13, 1)
    assert many.shape == (2, 13, 1)
    assert np.allclose(many[0], one)
    assert np.allclose(many[1], family.predict(T, k=1.3))


def test_outside_the_members_range(family):
    with pytest.raises(NotAccurate, match=r"k=3 lies outside the range k=1 to 1.6; .*estimated as .*extend"):
        family.at(k=3)


def test_an_estimate_above_the_tolerance(family):
    with pytest.raises(NotAccurate, match=r"error at k=1.45 is estimated as .*, above the tolerance 1e-09; .*extend"):
        family.at(k=1.45, tolerance=1e-9)


def test_doubtful_answers_with_a_warning(family, caplog):
    with caplog.at_level(logging.WARNING):
        answer = family.at(k=1.45, tolerance=1e-9, doubtful="warn")
    assert answer.error_estimate > 1e-9
    assert "above the tolerance" in caplog.text


def test_the_worst_of_many_is_named(family):
    with pytest.raises(NotAccurate, match="and 1 more"):
        family.at(k=[1.15, 1.3, 1.45], tolerance=1e-9)


def test_further_members_are_answered_from_at_once(family):
    family.at(k=1.45, tolerance=1)
    family.extend([{"k": 1.45}])
    assert family.at(k=1.45).kind == "calibrated"


def test_one_member_spans_nothing(family):
    alone = pp.Family(family.problem, family.bases, [family.source], family.settings)
    with pytest.raises(PacpinnError, match="expected two at least"):
        alone.at(k=1.1)
    with pytest.raises(NotSolved, match="nearest member"):
        alone.predict(T, k=1.1)


def test_problems_that_are_no_equations_say_so():
    family = pp.solve_family(Waves(), keep=0.5, solver=pp.Adam(steps=2))
    with pytest.raises(PacpinnError, match=r"waves is no equation.*extend"):
        family.at(shift=0.1)
    with pytest.raises(NotSolved):
        family.predict(T, shift=0.1)
    assert family.predict(T, shift=[0.3, 0.0]).shape == (2, 13, 1)


def test_the_name_of_version_0_1_warns(family):
    with pytest.warns(DeprecationWarning, match="family.online is now family.reduced_model"):
        assert family.online is family.reduced_model
