"""One step along the tree: a single target, and several in batches."""

from dataclasses import replace

import pytest

import pacpinn as pp
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.solvers.base import Status
from pacpinn.sweep.tree_step import StartPoint, StepContext, take_step
from tests.toys import same_bits


@pytest.fixture
def context(family):
    return StepContext(family.problem, family.bases, family.settings)


@pytest.fixture
def point(family):
    return StartPoint(SolutionOnBase(family.source, family.bases[0]))


def copy_of(base):
    """The same network as another base."""
    return Base(base.masked.with_mask(base.masked.free, True), pp.Coefficients(k=1.2))


def test_a_step_is_pure(context, point):
    starts = [(point, pp.Coefficients(k=1.2))]
    (first,), (second,) = take_step(context, starts), take_step(context, starts)
    assert same_bits(first.found.solution.z, second.found.solution.z)
    assert first.found.solution.history == second.found.solution.history


def test_results_come_in_the_order_of_the_targets_whatever_their_bases(context, family, point):
    other = copy_of(family.bases[0])
    beside = StartPoint(SolutionOnBase(family.targets[0], other), grown=(other,))
    rates = [1.35, 1.1, 1.4, 1.2]
    starts = [(at, pp.Coefficients(k=k)) for at, k in zip([beside, point, beside, point], rates, strict=True)]
    results = take_step(context, starts)
    assert [each.found.coefficients.k for each in results] == rates
    assert [each.found.base for each in results] == [other, family.bases[0]] * 2
    assert all(each.found.solved and each.grown == () for each in results)


def test_a_target_that_its_batch_does_not_solve_counts_both_attempts(family, point):
    hard = pp.Coefficients(k=9.9)
    settings = replace(family.settings, solver=pp.LevenbergMarquardt(max_steps=6), bases=1)
    context = StepContext(family.problem, family.bases, settings)
    together = take_step(context, [(point, hard), (point, pp.Coefficients(k=1.1))])[0].found.solution
    alone = take_step(context, [(point, hard)])[0].found.solution
    assert together.steps > alone.steps > 6
    assert together.status == alone.status


def test_the_next_targets_start_at_what_is_solved_with_the_member_before_it(family, point):
    found = SolutionOnBase(family.targets[0], family.bases[0])
    assert point.after(found, ()) == StartPoint(found, point.start, ())


def test_a_member_on_another_base_is_no_member_before(family, point):
    base = copy_of(family.bases[0])
    found = SolutionOnBase(family.targets[0], base)
    assert point.after(found, (base,)) == StartPoint(found, None, (base,))


def test_after_what_is_not_solved_the_start_is_the_same(family, point):
    failed = SolutionOnBase(replace(family.targets[0], status=Status.STALLED), family.bases[0])
    assert point.after(failed, ()) is point
