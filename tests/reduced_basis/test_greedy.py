"""Families that choose their own members."""

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.errors import CoefficientError, PacpinnError
from pacpinn.reduced_basis.greedy import Refinement, weak_greedy
from tests.toys import Decay, Waves

T = np.linspace(0, 1, 13)[:, None]


class Spring(Decay):
    """u' = -k u + f, u(0) = 1: u = f / k + (1 - f / k) e^(-k t)."""

    force = pp.Coefficient(0.5, low=0.0, high=1.0)

    def residual(self, t, u, c):
        return super().residual(t, u, c) - c.force

    def reference(self, t, c):
        return c.force / c.k + (1 - c.force / c.k) * np.exp(-c.k * t)


@pytest.fixture(scope="module")
def refined() -> pp.Family:
    return pp.solve_family(Decay(), within={"k": (0.5, 8)}, tolerance=1e-4, keep=0.5)


class Stub:
    """A surrogate that is extended without solving; estimates are distances from the nearest member."""

    def __init__(self, solves=lambda c: True):
        self.tried, self.members, self.solves = {}, [], solves

    def model(self):
        return self

    def solve(self, cs):
        return [self.at(min(abs(c.k - own.k) for own in self.members)) for c in cs]

    def member(self, k):
        return self.at(0.0)

    def at(self, estimate):
        return pp.Answer(self.members[0], "reduced basis", estimate, estimate, estimate, None, None)

    def extend(self, c):
        self.tried[c] = c
        self.members += [c] if self.solves(c) else []
        yield c


def chosen(surrogate, tolerance, most=9):
    box, training_set = Decay().space.box({"k": (1, 4)}), [pp.Coefficients(k=k) for k in np.linspace(1, 4, 13)]
    assert list(surrogate.extend(training_set[0]))
    *results, (_, goal) = weak_greedy(surrogate, box, training_set, Refinement({"k": (1, 4)}, tolerance), most)
    return [c.k for c, _ in results], goal


def test_the_range_is_covered_and_then_refined_where_the_estimate_is_largest():
    ks, goal = chosen(Stub(), tolerance=0.4)
    assert ks[:2] == [2.0, 3.75]  # farthest within half of the range, on its log scale, of a member
    assert ks[2:] == [2.75, 1.5, 3.25]  # the first of the farthest
    assert [each.members for each in goal.rounds] == [3, 4, 5, 6]
    assert goal.reached == 0.25


def test_it_ends_with_the_largest_number_of_members():
    ks, goal = chosen(Stub(), tolerance=0.0, most=4)
    assert len(ks) == 3
    assert not goal.done


def test_it_ends_when_targets_stay_unsolved(caplog):
    ks, goal = chosen(Stub(solves=lambda c: c.k == 1), tolerance=0.1)
    assert len(ks) == 3
    assert not goal.rounds
    assert "no second target could be solved" in caplog.text


def test_any_coefficient_of_the_range_can_be_answered(refined):
    assert refined.refinement.done
    ks = np.random.default_rng(0).uniform(0.5, 8, 50)
    for k, found in zip(ks, refined.predict(T, k=ks), strict=True):
        assert np.linalg.norm(found - np.exp(-k * T)) <= 3e-4 * np.linalg.norm(np.exp(-k * T))


def test_the_rounds_are_kept(refined):
    rounds = refined.refinement.rounds
    assert rounds[-1].estimate <= 1e-4 < rounds[0].estimate
    assert rounds[-1].members == len(refined)
    assert [each.members for each in rounds] == sorted({each.members for each in rounds})


def test_members_are_few_and_the_whole_range_is_answered(refined):
    assert len(refined) <= 5
    assert all(each.error_estimate <= 1e-4 for each in refined.at(k=[0.5, 0.51, 7.9, 8]))


def test_members_are_solved_to_half_of_the_tolerance(refined):
    assert all(each.error_estimate <= 5e-5 for each in refined.values())


def test_a_number_of_members_may_be_enough():
    family = pp.solve_family(Decay(), within={"k": (0.5, 8)}, tolerance=1e-4, members=3, keep=0.5)
    assert len(family) == 3
    assert not family.refinement.done


def test_a_tolerance_that_no_member_can_reach():
    with pytest.raises(PacpinnError, match=r"no member of decay is solved to an error of 5e-09: k=1 reaches .*larger"):
        pp.solve_family(
            Decay(), within={"k": (1, 4)}, tolerance=1e-8, keep=0.5, solver=pp.LevenbergMarquardt(max_steps=5)
        )


def test_several_coefficients():
    family = pp.solve_family(Spring(), within={"k": (1, 2), "force": (0.25, 0.75)}, tolerance=3e-3, keep=0.5)
    assert family.refinement.done
    exact = family.problem.reference(T, pp.Coefficients(k=1.7, force=0.6))
    assert np.abs(family.predict(T, k=1.7, force=0.6) - exact).max() < 1e-2


def test_three_coefficients():
    class Scaled(Spring):
        unit = pp.Coefficient(1.0, low=0.5, high=2.0, scale="log")

        def residual(self, t, u, c):
            return super().residual(t, u, c) * c.unit

    within = {"k": (1, 1.5), "force": (0.4, 0.6), "unit": (0.8, 1.2)}
    family = pp.solve_family(Scaled(), within=within, tolerance=1e-2, keep=0.5)
    assert family.refinement.done
    exact = family.problem.reference(T, pp.Coefficients(k=1.3, force=0.5))
    assert np.abs(family.predict(T, k=1.3, force=0.5, unit=1.1) - exact).max() < 2e-2


def test_a_solved_family_is_refined_further(family):
    before = {c: each.z.clone() for c, each in family.items()}
    family.refine({"k": (1, 1.6)}, tolerance=2e-3)
    assert family.refinement.done
    assert all((family[c].z == z).all() for c, z in before.items())


def test_a_refined_family_is_stored(refined, tmp_path):
    loaded = pp.load(refined.save(tmp_path / "decay.pac"), Decay())
    assert loaded.refinement == refined.refinement
    assert np.allclose(loaded.predict(T, k=2.2), refined.predict(T, k=2.2))


@pytest.mark.parametrize(
    ("within", "reason"),
    [
        ({"k": (4, 1)}, "empty"),
        ({"k": (2, 2)}, "empty"),
        ({}, "no range given"),
        ({"mass": (1, 2)}, "no coefficient 'mass'"),
        ({"k": (1, 400)}, "outside its range"),
        ({"k": (1, float("nan"))}, "not finite"),
    ],
)
def test_bad_ranges(within, reason):
    with pytest.raises(CoefficientError, match=reason):
        pp.solve_family(Decay(), within=within)


def test_one_member_spans_no_range(family):
    with pytest.raises(PacpinnError, match="members=1; expected 2 or more"):
        pp.solve_family(Decay(), within={"k": (1, 2)}, members=1)
    with pytest.raises(PacpinnError, match="members=1; expected 2 or more"):
        family.refine({"k": (1, 2)}, members=1)


def test_single_precision_is_refined_too():
    family = pp.solve_family(Decay(), within={"k": (1, 2)}, tolerance=3e-3, keep=0.5, dtype=torch.float32)
    assert family.refinement.done
    assert np.abs(family.predict(T, k=1.4) - np.exp(-1.4 * T)).max() < 1e-2


def test_only_equations_can_be_refined():
    with pytest.raises(PacpinnError, match="is no equation"):
        pp.solve_family(Waves(), within={"shift": (0, 1)})


def test_nothing_is_tried_next_to_a_failure_and_what_can_be_answered_is_named(caplog):
    ks, goal = chosen(Stub(solves=lambda c: c.k < 3.5), tolerance=0.3, most=20)
    failed = [k for k in ks if k >= 3.5]
    assert len(failed) == 1  # its neighbours lie nearer to it than half its distance to a member
    assert goal.reached > 0.3
    assert "of the range is answered to 0.3" in caplog.text
