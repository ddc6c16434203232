"""Answers between the members of a family, their estimated errors and their sensitivities."""

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.reduced_basis.reduced_model import ReducedModel
from pacpinn.reduced_basis.snapshots import Snapshots
from tests.toys import Decay, Rotation

T = np.linspace(0, 1, 13)[:, None]


@pytest.fixture(scope="module")
def decays() -> pp.Family:
    return pp.solve_family(Decay(), targets=pp.grid(k=[1.2, 1.4, 1.7, 2.0]), keep=0.5, tolerance=1e-4)


def exact(k):
    return np.exp(-k * T)


@pytest.mark.parametrize("k", [1.05, 1.3, 1.55, 1.9])
def test_between_the_members_the_equation_is_solved(decays, k):
    assert np.abs(decays.reduced_model.solve([pp.Coefficients(k=k)])[0].predict(T) - exact(k)).max() < 1e-3


def test_an_answer_says_what_it_is(decays):
    answer = decays.reduced_model.solve([pp.Coefficients(k=1.3)])[0]
    assert answer.kind == "reduced basis"
    assert answer.coefficients.k == 1.3
    assert 0 < answer.residual < 1e-3
    assert 0 < answer.error_estimate < 1e-2


def test_many_coefficients_at_once_are_as_one_by_one(decays):
    cs = [pp.Coefficients(k=k) for k in (1.1, 1.3, 1.9)]
    together = decays.reduced_model.solve(cs)
    for c, answer in zip(cs, together, strict=True):
        alone = decays.reduced_model.solve([c])[0]
        assert np.allclose(answer.predict(T), alone.predict(T), atol=1e-7)
        assert np.isclose(answer.residual, alone.residual, rtol=1e-3)


def test_members_are_answered_as_they_are(decays):
    answer = decays.reduced_model.answer([pp.Coefficients(k=1.4)])[0]
    assert answer.kind == "calibrated"
    assert np.allclose(answer.predict(T), decays.predict(T, k=1.4), atol=1e-13)
    own = decays[{"k": 1.4}].residual  # on 24 points
    assert own / 2 < answer.residual < 2 * own


def test_a_member_is_found_to_rounding(decays):
    assert decays.reduced_model.answer([pp.Coefficients(k=1.4 * (1 + 1e-12))])[0].kind == "calibrated"


def test_members_and_others_mixed_keep_their_order(decays):
    answers = decays.reduced_model.answer([pp.Coefficients(k=k) for k in (1.1, 1.4, 1.5, 2.0)])
    assert [each.kind for each in answers] == ["reduced basis", "calibrated", "reduced basis", "calibrated"]
    assert [each.coefficients.k for each in answers] == [1.1, 1.4, 1.5, 2.0]


def test_the_estimate_is_of_the_errors_size(decays):
    for k in (1.1, 1.3, 1.55, 1.85):
        answer = decays.reduced_model.solve([pp.Coefficients(k=k)])[0]
        error = np.linalg.norm(answer.predict(T) - exact(k)) / np.linalg.norm(exact(k))
        assert 0.02 < error / answer.error_estimate < 10


def test_tangents_make_two_members_enough():
    """The span meets the solutions to first order at both: cubic interpolation, in place of linear."""
    family = pp.solve_family(Decay(), targets=[{"k": 1.5}], keep=0.5, tolerance=1e-6)
    found = {}
    for names in ((), ("k",)):
        points = Snapshots.over(family.problem, list(family), family.settings, names)
        model = ReducedModel(points.extended(family.values(), family.bases))
        found[names] = np.abs(model.solve([pp.Coefficients(k=1.25)])[0].predict(T) - exact(1.25)).max()
    assert found[("k",)] < 0.02 * found[()]


def test_members_with_tangents_are_answered_as_they_are():
    family = pp.solve_family(Decay(), within={"k": (1, 2)}, tolerance=1e-3, keep=0.5)
    for k, each in enumerate(sorted(family, key=lambda c: c.k)):
        assert np.allclose(family.reduced_model.member(k).predict(T), family.predict(T, **each), atol=1e-13)


def test_nothing_outside_is_touched(decays):
    before = np.random.get_state()[1].copy()
    decays.reduced_model.solve([pp.Coefficients(k=1.3)])
    assert (np.random.get_state()[1] == before).all()


def test_several_outputs_share_their_coordinates():
    family = pp.solve_family(Rotation(), targets=pp.grid(w=[1.2, 1.4]), keep=0.5, tolerance=3e-4)
    found = family.reduced_model.solve([pp.Coefficients(w=1.3)])[0].predict(T)
    assert np.abs(found - np.hstack([np.sin(1.3 * T), np.cos(1.3 * T)])).max() < 5e-3


class Shifted(Decay):
    """u' = -k (u - shift), u(0) = 1 + shift; the shift is in the transform as well."""

    shift = pp.Coefficient(0.0, low=0.0, high=1.0)

    def residual(self, t, u, c):
        return super().residual(t, u, c) - c.k * c.shift

    def transform(self, t, u, c):
        return 1 + c.shift + t * u

    def reference(self, t, c):
        return c.shift + np.exp(-c.k * t)


@pytest.fixture(scope="module")
def shifted():
    return pp.solve_family(Shifted(), targets=pp.grid(k=[1.2, 1.5], shift=[0.2]), keep=0.5).reduced_model


C = pp.Coefficients(k=1.3, shift=0.1)


def test_the_sensitivity_agrees_with_the_exact_derivative(shifted):
    found = shifted.sensitivity(C, T, ["k", "shift"])
    assert found.shape == (13, 1, 2)
    assert np.abs(found[..., 0] + T * np.exp(-C.k * T)).max() < 0.02
    assert np.abs(found[..., 1] - 1).max() < 0.02


def test_the_sensitivity_is_the_derivative_of_the_models_own_answers(shifted):
    h = 1e-3
    below, above = (shifted.solve([pp.Coefficients(k=1.3 + s, shift=0.1)])[0].predict(T) for s in (-h, h))
    found = shifted.sensitivity(C, T, ["k"])[..., 0]
    assert np.linalg.norm(found - (above - below) / (2 * h)) < 1e-2 * np.linalg.norm(found)
