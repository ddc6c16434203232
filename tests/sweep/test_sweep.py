"""From the members there are to all targets, one by one and in batches; and the indices of bases."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.sweep.sweep import number_bases, reorder_bases
from tests.toys import Decay, same_bits

TARGETS = pp.grid(k=np.geomspace(1.2, 3.0, 7))


def solved(batch=None, problem=None, targets=TARGETS, **settings):
    return pp.solve_family(problem or Decay(), targets=targets, batch=batch, keep=0.5, **settings)


@pytest.fixture(scope="module")
def chain():
    return solved(batch=1)


@pytest.fixture(scope="module")
def batches():
    return solved(batch=3)


def test_in_batches_every_target_is_solved_as_well_as_one_by_one(chain, batches):
    x = np.linspace(0, 1, 20)[:, None]
    for family in (chain, batches):
        assert [each.status for each in family.targets] == ["converged"] * len(TARGETS)
    for each in TARGETS:
        exact = np.exp(-each["k"] * x)
        errors = [np.abs(family.predict(x, **each) - exact).max() for family in (chain, batches)]
        assert max(errors) < 2 * Decay.tolerance


def test_the_same_family_twice_in_batches_is_the_same_to_the_last_bit(batches):
    again = solved(batch=3)
    assert list(again) == list(batches)
    assert all(same_bits(a.z, b.z) for a, b in zip(again.values(), batches.values(), strict=True))


def test_in_batches_targets_hang_on_a_few_waypoints_and_one_by_one_in_a_chain(chain, batches):
    parents = {each.parent for each in batches.targets}
    assert len(parents) <= 4  # the source and ⌈√7⌉ waypoints
    assert [each.parent for each in chain.targets] == [each.coefficients for each in list(chain.values())[:-1]]


def test_the_order_of_listing_does_not_matter_in_batches_either(batches):
    shuffled = solved(batch=3, targets=TARGETS[::-1])
    assert {each.coefficients: each.parent for each in shuffled.targets} == {
        each.coefficients: each.parent for each in batches.targets
    }


def test_the_size_of_batches_is_in_the_settings_and_in_the_file(batches, tmp_path):
    assert batches.settings.batch == 3
    assert pp.load(batches.save(tmp_path / "decay.pac"), problem=Decay()).settings.batch == 3


def test_a_target_that_fails_in_its_batch_is_solved_by_shorter_steps():
    """From k = 1 to 9.9 two steps do not suffice."""
    family = solved(batch=3, targets=[{"k": 1.1}, {"k": 9.9}, {"k": 9.8}], solver=pp.LevenbergMarquardt(max_steps=6))
    assert family[{"k": 1.1}].status == "converged"
    assert family[{"k": 9.9}].steps > 6


def test_extending_in_batches_leaves_members_bit_for_bit(batches):
    before = {c: each.z.clone() for c, each in batches.items()}
    batches.extend(pp.grid(k=[1.25, 1.6, 2.6]))
    assert all(same_bits(batches[c].z, z) for c, z in before.items())


def test_seconds_of_a_batch_are_shared_out(batches):
    assert all(0 < each.seconds < math.inf for each in batches.targets)


def test_on_a_processor_targets_are_solved_one_by_one_if_nothing_else_is_asked():
    assert solved(targets=[{"k": 1.2}]).requests[0].batch == 1


def test_problems_whose_targets_cannot_be_solved_together_are_solved_one_by_one(caplog):
    class ByNumber(Decay):
        def residual(self, t, u, c):
            return super().residual(t, u, c) + 0 * math.exp(c.k)

    family = solved(batch=3, problem=ByNumber(), targets=TARGETS[:3])
    assert family.requests[0].batch == 1
    assert all(each.status == "converged" for each in family.targets)
    assert "by_number cannot be solved in batches" in caplog.text


def test_a_formula_that_sees_one_target_for_all_is_found_out():
    class OfTheFirst(Decay):
        def transform(self, t, u, c):
            return 1 + t * u * float(torch.as_tensor(c.k).flatten()[0])

    family = solved(batch=3, problem=OfTheFirst(), targets=TARGETS[:3])
    assert family.requests[0].batch == 1
    assert all(each.score.value < 2 * Decay.tolerance for each in family.targets)


def test_baselines_that_start_from_no_member_need_no_batches():
    assert solved(batch=3, method="from-scratch", targets=TARGETS[:2]).requests[0].batch == 1


# Indices of bases -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bases(family):
    masked = family.bases[0].masked
    return [Base(masked.with_mask(masked.free, True), pp.Coefficients(k=k)) for k in (1.0, 2.0, 3.0)]


def test_new_bases_are_counted_after_the_others_and_once(family, bases):
    first, second, third = bases
    results = [
        StepResult(SolutionOnBase(family.source, first)),
        StepResult(SolutionOnBase(family.source, third), (second, third)),
        StepResult(SolutionOnBase(family.source, second), (second,)),
    ]
    solved = list(number_bases(results, [first]))
    assert [each.solution.base for each in solved] == [0, 2, 1]
    assert [each.bases for each in solved] == [[first], bases, bases]


def test_in_whatever_order_steps_finish_bases_are_in_the_order_of_their_first_members(family, bases):
    first, second, third = bases
    one = [replace(family.source, base=index) for index in (0, 2, 1, 2)]
    other = [replace(family.source, base=index) for index in (0, 1, 2, 1)]
    expected = [0, 1, 2, 1]
    for solutions, found in ((one, bases), (other, [first, third, second])):
        members, ordered = reorder_bases(solutions, found)
        assert [each.base for each in members] == expected
        assert ordered == [first, third, second]


def test_bases_without_members_come_last(family, bases):
    members, ordered = reorder_bases([family.source, replace(family.source, base=2)], bases)
    assert [each.base for each in members] == [0, 1]
    assert ordered == [bases[0], bases[2], bases[1]]
