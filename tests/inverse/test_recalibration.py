"""Calibration wherever a search leads."""

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.errors import NotSolved
from pacpinn.inverse.recalibration import Recalibration, Start
from tests.toys import Decay

T = np.linspace(0, 1, 20)[:, None]


@pytest.fixture(scope="module")
def recalibration(solved_decay):
    return Recalibration(solved_decay.problem, solved_decay, solved_decay.bases, solved_decay.settings)


def error(solution, k):
    return np.abs(solution.predict(T) - np.exp(-k * T)).max()


def test_a_member_is_taken_as_it_is(recalibration, solved_decay):
    found = recalibration.at(pp.Coefficients(k=1.3))
    assert np.array_equal(found.z, solved_decay[{"k": 1.3}].z.double())


def test_others_are_calibrated_from_the_nearest_member_or_along_the_tangent(recalibration):
    first = recalibration.at(pp.Coefficients(k=1.4))
    assert error(first, 1.4) < 1e-3
    tangent = first.tangent(["k"]).weights
    second = recalibration.at(pp.Coefficients(k=1.5), Start(first.base, first.z + 0.1 * tangent[:, 0]))
    assert error(second, 1.5) < 1e-3


def test_a_smaller_tolerance_gives_a_smaller_error(recalibration):
    c = pp.Coefficients(k=1.45)
    found = recalibration.at(c)
    again = recalibration.tighter(1e-2).at(c, Start(found.base, found.z))
    assert error(again, 1.45) < error(found, 1.45) / 5


def test_where_the_equation_is_not_solved_there_is_no_solution(solved_decay):
    settings = pp.Settings(keep=0.5, halvings=0, bases=1, solver=pp.LevenbergMarquardt(max_steps=1))
    one_step = Recalibration(solved_decay.problem, solved_decay, solved_decay.bases, settings)
    assert one_step.at(pp.Coefficients(k=9.0)) is None


def test_the_best_member_gives_the_unknowns_and_the_base_all_else(recalibration):
    measurements = pp.Measurements(T, np.exp(-1.55 * T), deviation=0.01)
    assert recalibration.best(measurements, pp.Coefficients(k=1.0), ["k"]).k == 1.6
    assert recalibration.best(measurements, pp.Coefficients(k=1.2), []).k == 1.2


def test_without_a_solved_member_there_is_nowhere_to_start(solved_decay):
    with pytest.raises(NotSolved, match="no member of decay is solved"):
        Recalibration(Decay(), {}, solved_decay.bases, solved_decay.settings)
