"""From where targets start, along a chain and from a spine."""

from dataclasses import replace

import pytest

import pacpinn as pp
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.solvers.base import Status
from pacpinn.sweep.starts import ChainStarts, SolvedMembers, SpineStarts
from pacpinn.sweep.tree_step import StartPoint, StepContext


def at(k):
    return pp.Coefficients(k=k)


@pytest.fixture
def base(family):
    return family.bases[0]


@pytest.fixture
def context(family, base):
    return StepContext(family.problem, [base], family.settings)


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
    solved = SolvedMembers(family.problem, [*members, at(1.4), at(2.0)], members.values())
    solved.add(found(family, other, 2.0))
    assert solved.point(at(1.6), at(2.0)) == StartPoint(members[at(1.6)], members[at(1.3)])
    assert solved.point(at(1.3), at(1.4)).before is members[at(1.6)]
    assert solved.point(at(2.0), at(1.4)).before is None


def test_below_what_is_not_solved_targets_start_at_the_last_ancestor_that_is(family, base, members):
    solved = SolvedMembers(family.problem, [*members, at(2.0), at(3.0), at(4.0)], members.values())
    solved.add(found(family, base, 2.0, parent=1.6, status=Status.STALLED))
    solved.add(found(family, base, 3.0, parent=2.0, status=Status.DIVERGED))
    assert solved.point(at(3.0), at(4.0)).start is members[at(1.6)]


# Along a chain ------------------------------------------------------------------------------------------------------

CHAIN = [(at(1.6), at(2.0)), (at(2.0), at(3.0)), (at(1.0), at(0.5))]


def test_along_a_chain_a_target_knows_every_base_that_came_before(family, context, base, members):
    starts = ChainStarts(context, members, CHAIN, [base])
    first, second = grown(base, 1.7), grown(base, 1.9)
    assert starts.point(*CHAIN[0]).before is members[at(1.3)]
    kept = starts.add(*CHAIN[0], StepResult(found(family, second, 2.0, 1.6), (first, second)))
    assert kept.grown == (first, second)
    assert starts.point(*CHAIN[1]).start.base is second
    assert starts.point(*CHAIN[2]).grown == (first, second)


def test_a_chain_that_is_resumed_knows_the_bases_up_to_the_last_target(family, context, base, members):
    first, second = grown(base, 1.7), grown(base, 1.9)
    starts = ChainStarts(context, members, CHAIN, [base, first, second])
    assert starts.point(*CHAIN[0]).grown == ()
    starts.add(*CHAIN[0], StepResult(found(family, second, 2.0, 1.6), (first, second)))
    starts.add(*CHAIN[1], StepResult(found(family, second, 3.0, 2.0), (first, second)))
    assert starts.point(*CHAIN[2]).grown == (first, second)


# From a spine -------------------------------------------------------------------------------------------------------

SPINE = [(at(1.6), at(2.0)), (at(1.6), at(2.2)), (at(2.0), at(3.0)), (at(1.0), at(0.5))]


def test_from_a_spine_a_target_knows_the_bases_on_its_own_way(family, context, base, members):
    starts = SpineStarts(context, members, SPINE, [base])
    dropped, used = grown(base, 1.7), grown(base, 1.9)
    kept = starts.add(*SPINE[0], StepResult(found(family, used, 2.0, 1.6), (dropped, used)))
    assert kept.grown == (used,)
    assert starts.point(*SPINE[2]).grown == (used,)
    assert starts.point(*SPINE[2]).before is None
    assert starts.point(*SPINE[3]).grown == ()


def test_steps_that_grow_the_same_base_share_it(family, context, base, members):
    starts = SpineStarts(context, members, SPINE, [base])
    one, same = grown(base, 1.7), grown(base, 1.7)
    starts.add(*SPINE[0], StepResult(found(family, one, 2.0, 1.6), (one,)))
    kept = starts.add(*SPINE[1], StepResult(found(family, same, 2.2, 1.6), (same,)))
    assert kept.found.base is one
    assert kept.grown == (one,)


def test_a_spine_that_is_resumed_has_the_same_starts(family, context, base, members):
    new = grown(base, 1.9)
    result = StepResult(found(family, new, 2.0, 1.6), (new,))
    fresh, resumed = (SpineStarts(context, members, SPINE, bases) for bases in ([base], [base, new]))
    fresh.add(*SPINE[0], result)
    resumed.add(*SPINE[0], result)
    assert fresh.point(*SPINE[2]) == resumed.point(*SPINE[2])
    for each in (fresh, resumed):
        each.add(*SPINE[2], StepResult(found(family, new, 3.0, 2.0), (new,) if each is resumed else ()))
        assert each.point(at(3.0), at(3.3)).grown == (new,)
