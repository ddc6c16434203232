"""Coefficients from measurements, by a fit in the members' span."""

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.errors import PacpinnError
from tests.reduced_basis.test_greedy import Spring
from tests.toys import Decay

T = np.linspace(0, 1, 50)[:, None]


@pytest.fixture(scope="module")
def refined() -> pp.Family:
    return pp.solve_family(Decay(), within={"k": (1, 4)}, tolerance=1e-3, keep=0.5)


@pytest.mark.parametrize("k", [1.2, 2.3, 3.7])
def test_exact_measurements_give_the_coefficient(refined, k):
    found = refined.identify(T, np.exp(-k * T), deviation=1e-3)
    assert found.coefficients.k == pytest.approx(k, rel=5e-3)
    assert found.misfit < 1


def test_noisy_measurements_give_it_within_its_deviation(refined):
    noise = 0.02 * np.random.default_rng(0).normal(size=T.shape)
    found = refined.identify(T, np.exp(-2 * T) + noise, deviation=0.02)
    assert abs(found.coefficients.k - 2) < 4 * found.deviations["k"]
    assert 0.7 < found.misfit < 1.3


def test_deviations_are_those_of_repeated_measurements(refined):
    rng = np.random.default_rng(0)
    found = [refined.identify(T, np.exp(-2 * T) + 0.01 * rng.normal(size=T.shape), 0.01) for _ in range(40)]
    spread = np.std([each.coefficients.k for each in found])
    assert found[0].deviations["k"] == pytest.approx(spread, rel=0.4)


def test_outputs_that_were_not_measured_are_left_out(refined):
    values = np.exp(-2 * T)
    values[10:] = np.nan
    assert refined.identify(T, values, deviation=1e-3).coefficients.k == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"x": T[:, 0]}, r"measurements of shape \(50, 1\) at points of shape \(50,\); expected \(rows, 1\)"),
        ({"values": np.ones((49, 1))}, "expected"),
        ({"values": np.full((50, 1), np.nan)}, "none is a number"),
        ({"values": np.full((50, 1), np.inf)}, "are infinite"),
        ({"x": np.full((50, 1), np.nan)}, "a point of the measurements is not finite"),
        ({"deviation": 0.0}, "deviation=0.0; expected"),
        ({"unknown": ["mass"]}, "mass cannot be found; .* are: k"),
    ],
)
def test_bad_measurements(refined, arguments, reason):
    with pytest.raises(PacpinnError, match=reason):
        refined.identify(**{"x": T, "values": np.exp(-T), "deviation": 0.1, **arguments})


def test_what_measurements_do_not_determine_has_no_finite_deviation(refined):
    found = refined.identify(np.zeros((5, 1)), np.ones((5, 1)), deviation=0.1)  # u(0) = 1 at every rate
    assert found.deviations["k"] == np.inf


def test_two_coefficients_at_once():
    family = pp.solve_family(Spring(), within={"k": (1, 2), "force": (0.25, 0.75)}, tolerance=1e-3, keep=0.5)
    exact = family.problem.reference(T, pp.Coefficients(k=1.6, force=0.4))
    found = family.identify(T, exact, deviation=1e-3)
    assert found.coefficients.k == pytest.approx(1.6, rel=0.02)
    assert found.coefficients.force == pytest.approx(0.4, rel=0.05)
