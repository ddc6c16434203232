"""Coefficients from measurements: against closed forms and repeated noise."""

from dataclasses import replace

import deepxde as dde
import numpy as np
import pytest
from scipy.stats import t as student

import pacpinn as pp
from pacpinn.errors import CoefficientError, MeasurementError, NotIdentifiable, NotSolved, PacpinnError
from tests.reduced_basis.test_greedy import Spring
from tests.toys import Decay, Rotation, Waves

T = np.linspace(0, 1, 40)[:, None]
NOISE = 0.01


class Product(Decay):
    """u' = -a b u: of the two coefficients only the product matters. And one that matters nowhere."""

    k = None
    a = pp.Coefficient(1.0, low=0.1, high=10.0, scale="log")
    b = pp.Coefficient(1.0, low=0.1, high=10.0, scale="log")
    idle = pp.Coefficient(1.0, low=0.0, high=2.0)
    targets = pp.grid(a=[1.3])

    def residual(self, t, u, c):
        return dde.grad.jacobian(u, t) + c.a * c.b * u + 0 * c.idle

    def reference(self, t, c):
        return np.exp(-c.a * c.b * t)


@pytest.fixture(scope="module")
def refined() -> pp.Family:
    return pp.solve_family(Decay(), within={"k": (1, 4)}, tolerance=1e-4, keep=0.5)


@pytest.fixture(scope="module")
def product() -> pp.Family:
    return pp.solve_family(Product(), keep=0.5)


def one_step_only(family: pp.Family) -> pp.Family:
    """The family with settings that give up soon."""
    settings = replace(family.settings, halvings=0, bases=1, solver=pp.LevenbergMarquardt(max_steps=30))
    return pp.Family(family.problem, family.bases, family.values(), settings, family.refinement)


def noisy(k: float, seed: int = 0, noise: float = NOISE) -> np.ndarray:
    return np.exp(-k * T) + noise * np.random.default_rng(seed).normal(size=T.shape)


def bound(k: float, noise: float = NOISE) -> float:
    """Cramér and Rao's."""
    return noise / float(np.linalg.norm(T * np.exp(-k * T)))


@pytest.mark.parametrize("k", [1.3, 2.3, 3.7])
def test_in_the_span_where_its_error_does_not_matter(refined, k):
    found = refined.infer(T, noisy(k), deviation=NOISE)
    assert (found.kind, found.status) == ("reduced basis", pp.Status.CONVERGED)
    assert found.bias < 0.1
    assert found.standard_errors["k"] == pytest.approx(bound(k), rel=0.05)
    assert abs(found.estimates["k"] - k) < 4 * bound(k)
    assert 0.6 < found.misfit < 1.4
    assert np.abs(found.predict(T) - np.exp(-found.coefficients.k * T)).max() < 1e-3


def test_by_calibration_where_it_does(refined):
    found = refined.infer(T, noisy(2.3, noise=1e-5), deviation=1e-5)
    assert (found.kind, found.status) == ("calibrated", pp.Status.CONVERGED)
    assert abs(found.estimates["k"] - 2.3) < (4 + found.bias) * found.standard_errors["k"]
    assert np.abs(found.predict(T) - np.exp(-2.3 * T)).max() < 1e-3


def test_intervals_hold_where_the_noise_is_far_below_the_tolerance(solved_decay):
    inside, biases = 0, []
    for seed in range(20):
        found = solved_decay.infer(T, noisy(1.45, seed, noise=1e-5), deviation=1e-5)
        low, high = found.interval(0.95)["k"]
        inside += low <= 1.45 <= high
        biases.append(found.bias)
    assert inside >= 17
    assert max(biases) < 1  # the error of members alone, solved to 1e-3, would move the estimate further


def test_both_ways_agree(refined):
    members = pp.Family(refined.problem, refined.bases, [refined.source], refined.settings)
    in_the_span, by_weights = (each.infer(T, noisy(1.5), ["k"], NOISE) for each in (refined, members))
    assert (in_the_span.kind, by_weights.kind) == ("reduced basis", "calibrated")
    assert by_weights.estimates["k"] == pytest.approx(in_the_span.estimates["k"], abs=0.2 * bound(1.5))
    assert by_weights.covariance == pytest.approx(in_the_span.covariance, rel=0.02)


def test_it_is_where_identify_leads(refined):
    first = refined.identify(T, noisy(2.0), NOISE)
    assert refined.infer(T, noisy(2.0), deviation=NOISE).coefficients.k == pytest.approx(first.coefficients.k)


def test_standard_errors_and_intervals_are_those_of_repeated_measurements(refined):
    found = [refined.infer(T, noisy(2.0, seed)) for seed in range(60)]
    spread = np.std([each.estimates["k"] for each in found])
    assert spread == pytest.approx(np.mean([each.standard_errors["k"] for each in found]), rel=0.25)
    covered = sum(low < 2.0 < high for each in found for low, high in [each.interval(0.95)["k"]])
    assert 52 <= covered <= 60


def test_a_deviation_that_is_not_given_is_estimated(refined):
    found = refined.infer(T, noisy(2.0))
    assert found.deviation == pytest.approx(NOISE, rel=0.3)
    assert found.degrees == 39
    low, high = found.interval(0.9)["k"]
    times = student.ppf(0.95, 39) + found.bias
    assert (high - low) / 2 == pytest.approx(times * found.standard_errors["k"])


def test_deviations_weigh_measurements(refined):
    values, deviation = noisy(2.0), np.full(T.shape, NOISE)
    values[20:] += 0.5
    deviation[20:] = 1e3
    assert refined.infer(T, values, deviation=deviation).estimates["k"] == pytest.approx(2.0, abs=0.1)


def test_two_coefficients_and_their_correlation():
    family = pp.solve_family(Spring(), within={"k": (1, 2), "force": (0.25, 0.75)}, tolerance=1e-4, keep=0.5)
    exact = family.problem.reference(T, pp.Coefficients(k=1.6, force=0.4))
    found = family.infer(T, exact + 1e-3 * np.random.default_rng(0).normal(size=T.shape), deviation=1e-3)
    assert all(abs(found.estimates[n] - c) < 4 * found.standard_errors[n] for n, c in [("k", 1.6), ("force", 0.4)])
    by_sensitivity = family.sensitivity(T, **found.coefficients)[:, 0]
    assert found.covariance == pytest.approx(1e-6 * np.linalg.inv(by_sensitivity.T @ by_sensitivity), rel=0.1)


def test_a_known_coefficient_stays_where_it_is_told(product):
    values = np.exp(-1.5 * 0.8 * T)
    assert product.infer(T, values, ["a"], NOISE, b=0.8).estimates["a"] == pytest.approx(1.5, rel=5e-3)
    assert product.infer(T, values, "a", NOISE).estimates["a"] == pytest.approx(1.2, rel=5e-3)


@pytest.mark.parametrize("begin", [3.8, 4.3])
def test_a_start_far_away(refined, begin):
    found = refined.infer(T, noisy(1.5), deviation=NOISE, start={"k": begin})
    assert found.status is pp.Status.CONVERGED
    assert abs(found.estimates["k"] - 1.5) < 4 * bound(1.5)


def test_a_start_that_cannot_be_solved(refined):
    with pytest.raises(NotSolved, match="cannot be solved at k=9, where the search begins"):
        one_step_only(refined).infer(T, noisy(1.5), deviation=NOISE, start={"k": 9})


def test_beyond_the_members(solved_decay):
    found = solved_decay.infer(T, noisy(2.0), deviation=NOISE)
    assert (found.kind, found.status) == ("calibrated", pp.Status.CONVERGED)
    assert abs(found.estimates["k"] - 2.0) < 4 * bound(2.0)


def test_where_no_calibration_leads_the_search_ends_unconverged(refined):
    found = one_step_only(refined).infer(T, noisy(7.0), deviation=NOISE)
    assert found.status is pp.Status.STALLED
    assert found.estimates["k"] > 3.9


def test_an_estimate_at_the_end_of_its_range_is_told(refined):
    found = refined.infer(T, 1.0 + 0 * T, deviation=NOISE)
    assert found.estimates["k"] == 0.1
    assert found.held == ("k",)


def test_one_output_of_several_and_a_derivative():
    family = pp.solve_family(Rotation(), keep=0.5)
    truth = 1.15
    assert family.infer(T, np.cos(truth * T)[:, 0], deviation=NOISE, of="v").estimates["w"] == pytest.approx(
        truth, rel=5e-3
    )
    slope = truth * np.cos(truth * T)
    found = family.infer(T, slope, deviation=NOISE, of=lambda t, y: dde.grad.jacobian(y, t, i=0))
    assert found.kind == "calibrated"
    assert found.estimates["w"] == pytest.approx(truth, rel=5e-3)


def test_outputs_that_were_not_measured():
    family = pp.solve_family(Rotation(), keep=0.5)
    values = np.hstack([np.sin(1.1 * T), np.cos(1.1 * T)])
    values[::2, 0], values[1::2, 1] = np.nan, np.nan
    assert family.infer(T, values, deviation=NOISE).estimates["w"] == pytest.approx(1.1, rel=5e-3)


def test_the_family_stays_as_it_is(refined):
    before = list(refined), len(refined.bases)
    refined.infer(T, noisy(2.0, noise=1e-5), deviation=1e-5)
    assert (list(refined), len(refined.bases)) == before


def test_what_cannot_be_told_apart(product):
    with pytest.raises(NotIdentifiable, match=r"a and b cannot be told apart.* along \+0.71 a -0.71 b \(log scale\)"):
        product.infer(T, noisy(1.2), ["a", "b"], NOISE)


def test_what_does_not_matter(product):
    with pytest.raises(NotIdentifiable, match="idle cannot be found: the measurements do not depend on it"):
        product.infer(T, noisy(1.2), ["a", "idle"], NOISE)


def test_measurements_where_nothing_depends_on_the_unknown(refined):
    with pytest.raises(NotIdentifiable, match="k cannot be found"):
        refined.infer(np.zeros((5, 1)), np.ones((5, 1)) + NOISE, deviation=NOISE)


@pytest.mark.parametrize(
    ("arguments", "error", "reason"),
    [
        ({"points": T + 0.5}, MeasurementError, "lie outside the domain of decay"),
        ({"points": T[:, 0]}, MeasurementError, "expected"),
        ({"values": np.ones((40, 2))}, MeasurementError, r"expected \(rows, 1\) for u"),
        ({"values": np.full_like(T, np.nan)}, MeasurementError, "measurement 1 of 40 is NaN"),
        ({"points": T[:1], "values": T[:1]}, MeasurementError, "1 measurements for 1 unknowns .* expected 2 at least"),
        ({"deviation": -1}, MeasurementError, "deviation=-1; expected"),
        ({"start": {"k": 100}}, CoefficientError, "k=100 lies outside its range"),
        ({"start": {"mass": 1}}, CoefficientError, "no coefficient 'mass'"),
        ({"unknown": ["mass"]}, CoefficientError, "no coefficient 'mass' to find; there are: k"),
        ({"unknown": []}, CoefficientError, "no unknown given"),
        ({"unknown": ["k", "k"]}, CoefficientError, "names a coefficient twice"),
        ({"of": "v"}, MeasurementError, "no output 'v'"),
        ({"k": 100}, CoefficientError, "outside its range"),
    ],
)
def test_bad_input(refined, arguments, error, reason):
    with pytest.raises(error, match=reason):
        refined.infer(**{"points": T, "values": noisy(2.0), **arguments})


def test_a_confidence_is_a_share(refined):
    with pytest.raises(PacpinnError, match="confidence=95"):
        refined.infer(T, noisy(2.0)).interval(95)


def test_data_have_no_coefficients_to_find(refined):
    family = pp.Family(Waves(), refined.bases, [refined.source], refined.settings)
    with pytest.raises(PacpinnError, match="equation"):
        family.infer(T, T)
