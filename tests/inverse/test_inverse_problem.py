"""Noise, bias and covariance of an inverse problem."""

import math

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.errors import MeasurementError
from pacpinn.inverse.inverse_problem import InverseProblem, Point
from pacpinn.inverse.unknowns import Unknowns
from tests.toys import Decay

C = pp.Coefficients(k=2.0)
T = np.linspace(0, 1, 5)[:, None]


def problem(deviation=None, rows=5):
    measurements = pp.Measurements(T[:rows], np.full((rows, 1), 3.0), deviation)
    return InverseProblem(measurements, Unknowns(Decay(), ["k"]), C, None)


def point(differences):
    return Point(C, np.array(differences), np.array([[2.0], [0.0], [0.0], [0.0], [0.0]]), 0.0, None)


def test_noise_is_one_if_it_is_given_and_else_estimated_with_the_degrees_of_freedom():
    differences = [1.0, 1.0, 1.0, 1.0, 0.0]
    assert problem(0.1).noise(point(differences)) == 1
    assert problem().noise(point(differences)) == 1.0  # (4 / (5 - 1)) ** 0.5
    assert problem().noise(point([4.0, 0.0, 0.0, 0.0, 0.0])) == 2.0


def test_bias_is_the_solutions_error_at_the_measurements_over_the_noise():
    assert problem(0.1).bias(point([0.0] * 5), 1e-3) == pytest.approx(1e-3 * 30 * 5**0.5)
    assert problem().bias(point([0.0] * 5), 1e-3) == math.inf


def test_covariance_is_that_of_the_coefficients():
    assert problem(0.1).covariance(point([0.0] * 5)) == pytest.approx(np.array([[(2.0 / 2.0) ** 2]]))  # dk / dlog k = k


def test_too_few_measurements():
    with pytest.raises(MeasurementError, match=r"1 measurements for 1 unknowns \(k\) and the noise.* expected 2"):
        problem(rows=1)
    assert problem(0.1, rows=1).noise_known
