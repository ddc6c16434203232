"""From where targets start, along a chain and from a spine."""

from dataclasses import replace

import pytest

import pacpinn as pp
from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.solvers.base import Status
from pacpinn.sweep.starts import ChainStarts, SpineStarts


def at(k):
    return pp.Coefficients(k=k)


@pytest.fixture
def base(family):
    return family.bases[0]


def grown(base, k):
    return Base(base.masked.with_mask(base.masked.free, True), at(k))


def found(family, base, k, parent=1.0, status=Status.CONVERGED):
    return SolutionOnBase(replace(family.source, coefficients=at(k), parent=at(parent), status=status), base)


@pytest.fixture
def members(family, base):
    return {c: SolutionOnBase(each, base) for c, each in family.items()}  # at k = 1, 1.3 and 1.6


# The nearest member -------------------------------------------------------------------------------------------------


def test_the_nearest_member_is_another_one_on_the_same_base(family, base, members):
    other = grown(base, 2.0)
    solved = ChainStarts(family.problem, members, [at(1.4), at(2.0)])
    solved.add(at(1.6), StepResult(found(family, other, 2.0)))
    assert solved.segment(at(1.6), at(2.0)) == PathSegment(members[at(1.6)], at(2.0), members[at(1.3)])
    assert solved.segment(at(1.3), at(1.4)).before is members[at(1.6)]
    assert solved.segment(at(2.0), at(1.4)).before is None


def test_below_what_is_not_solved_targets_start_at_the_last_ancestor_that_is(family, base, members):
    solved = ChainStarts(family.problem, members, [at(2.0), at(3.0), at(4.0)])
    solved.add(at(1.6), StepResult(found(family, base, 2.0, parent=1.6, status=Status.STALLED)))
    solved.add(at(2.0), StepResult(found(family, base, 3.0, parent=2.0, status=Status.DIVERGED)))
    assert solved.segment(at(3.0), at(4.0)).start is members[at(1.6)]


# Along a chain ------------------------------------------------------------------------------------------------------

CHAIN = [(at(1.6), at(2.0)), (at(2.0), at(3.0)), (at(1.0), at(0.5))]
TARGETS = [target for _, target in CHAIN]


def test_along_a_chain_a_target_knows_every_base_that_came_before(family, base, members):
    starts = ChainStarts(family.problem, members, TARGETS)
    first, second = grown(base, 1.7), grown(base, 1.9)
    assert starts.segment(*CHAIN[0]).before is members[at(1.3)]
    kept = starts.add(CHAIN[0][0], StepResult(found(family, second, 2.0, 1.6), (first, second)))
    assert kept.grown == (first, second)
    assert starts.segment(*CHAIN[1]).start.base is second
    assert starts.segment(*CHAIN[2]).grown == (first, second)


def test_a_chain_that_is_resumed_knows_the_bases_up_to_the_last_target(family, base, members):
    first, second = grown(base, 1.7), grown(base, 1.9)
    starts = ChainStarts(family.problem, members, TARGETS)
    assert starts.segment(*CHAIN[0]).grown == ()
    starts.add(CHAIN[0][0], StepResult(found(family, second, 2.0, 1.6), (first, second)))
    starts.add(CHAIN[1][0], StepResult(found(family, second, 3.0, 2.0), (first, second)))
    assert starts.segment(*CHAIN[2]).grown == (first, second)


# From a spine -------------------------------------------------------------------------------------------------------

SPINE = [(at(1.6), at(2.0)), (at(1.6), at(2.2)), (at(2.0), at(3.0)), (at(1.0), at(0.5))]


def test_from_a_spine_a_target_knows_the_bases_on_its_own_way(family, base, members):
    starts = SpineStarts(family.problem, members, [base])
    dropped, used = grown(base, 1.7), grown(base, 1.9)
    kept = starts.add(SPINE[0][0], StepResult(found(family, used, 2.0, 1.6), (dropped, used)))
    assert kept.grown == (used,)
    assert starts.segment(*SPINE[2]).grown == (used,)
    assert starts.segment(*SPINE[2]).before is None
    assert starts.segment(*SPINE[3]).grown == ()


def test_steps_that_grow_the_same_base_share_it(family, base, members):
    starts = SpineStarts(family.problem, members, [base])
    one, same = grown(base, 1.7), grown(base, 1.7)
    starts.add(SPINE[0][0], StepResult(found(family, one, 2.0, 1.6), (one,)))
    kept = starts.add(SPINE[1][0], StepResult(found(family, same, 2.2, 1.6), (same,)))
    assert kept.found.base is one
    assert kept.grown == (one,)


def test_a_spine_that_is_resumed_has_the_same_starts(family, base, members):
    new = grown(base, 1.9)
    result = StepResult(found(family, new, 2.0, 1.6), (new,))
    fresh, resumed = (SpineStarts(family.problem, members, bases) for bases in ([base], [base, new]))
    fresh.add(SPINE[0][0], result)
    resumed.add(SPINE[0][0], result)
    assert fresh.segment(*SPINE[2]) == resumed.segment(*SPINE[2])
    for each in (fresh, resumed):
        each.add(SPINE[2][0], StepResult(found(family, new, 3.0, 2.0), (new,) if each is resumed else ()))
        assert each.segment(at(3.0), at(3.3)).grown == (new,)


def test_the_next_targets_start_at_what_is_solved_with_the_member_before_it(family, base, members):
    starts = SpineStarts(family.problem, members, [base])
    solved = found(family, base, 2.0, 1.6)
    starts.add(at(1.6), StepResult(solved))
    assert starts.segment(at(2.0), at(3.0)) == PathSegment(solved, at(3.0), members[at(1.6)])


def test_a_member_on_another_base_is_no_member_before(family, base, members):
    starts, other = SpineStarts(family.problem, members, [base]), grown(base, 1.7)
    solved = found(family, other, 2.0, 1.6)
    starts.add(at(1.6), StepResult(solved, (other,)))
    assert starts.segment(at(2.0), at(3.0)) == PathSegment(solved, at(3.0), None, (other,))


def test_after_what_is_not_solved_the_start_is_the_same(family, base, members):
    starts = SpineStarts(family.problem, members, [base])
    starts.add(at(1.6), StepResult(found(family, base, 2.0, 1.6, Status.STALLED)))
    assert starts.segment(at(2.0), at(3.0)) == starts.segment(at(1.6), at(3.0))
