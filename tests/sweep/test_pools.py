"""One step along the tree, a single target or several in batches; and the pool of this process."""

from dataclasses import replace

import pytest

import pacpinn as pp
from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.sweep.pools import SerialPool, take_step
from tests.toys import same_bits


@pytest.fixture
def context(family):
    return StepContext(family.problem, family.bases, family.settings)


@pytest.fixture
def source(family):
    return SolutionOnBase(family.source, family.bases[0])


def copy_of(base):
    """The same network as another base."""
    return Base(base.masked.with_mask(base.masked.free, True), pp.Coefficients(k=1.2))


def test_a_step_is_pure(context, source):
    segments = [PathSegment(source, pp.Coefficients(k=1.2))]
    (first,), (second,) = take_step(context, segments), take_step(context, segments)
    assert same_bits(first.found.solution.z, second.found.solution.z)
    assert first.found.solution.history == second.found.solution.history


def test_results_come_in_the_order_of_the_targets_whatever_their_bases(context, family, source):
    other = copy_of(family.bases[0])
    beside = SolutionOnBase(family.targets[0], other)
    segments = [
        PathSegment(beside, pp.Coefficients(k=1.35), grown=(other,)),
        PathSegment(source, pp.Coefficients(k=1.1)),
        PathSegment(beside, pp.Coefficients(k=1.4), grown=(other,)),
        PathSegment(source, pp.Coefficients(k=1.2)),
    ]
    results = take_step(context, segments)
    assert [each.found.coefficients.k for each in results] == [1.35, 1.1, 1.4, 1.2]
    assert [each.found.base for each in results] == [other, family.bases[0]] * 2
    assert all(each.found.solved and each.grown == () for each in results)


def test_a_target_that_its_batch_does_not_solve_counts_both_attempts(family, source):
    hard, easy = (PathSegment(source, pp.Coefficients(k=k)) for k in (9.9, 1.1))
    settings = replace(family.settings, solver=pp.LevenbergMarquardt(max_steps=6), bases=1)
    context = StepContext(family.problem, family.bases, settings)
    together = take_step(context, [hard, easy])[0].found.solution
    alone = take_step(context, [hard])[0].found.solution
    assert together.steps > alone.steps > 6
    assert together.status == alone.status


def test_this_process_holds_one_step_and_takes_it_when_asked(context, source):
    reported = []

    def reporter(target):
        reported.append(target)
        return lambda step, loss: None

    pool = SerialPool(context, reporter)
    assert pool.room == 1
    pool.submit(7, [PathSegment(source, pp.Coefficients(k=1.1))])
    assert (pool.room, reported) == (0, [])
    number, (result,) = pool.next()
    assert (number, pool.room, reported) == (7, 1, [pp.Coefficients(k=1.1)])
    assert result.found.solved
    assert result.found.coefficients == pp.Coefficients(k=1.1)
