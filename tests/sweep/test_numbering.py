"""Indices of bases."""

from dataclasses import replace

import pytest

import pacpinn as pp
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.sweep.numbering import number_bases, reorder_bases


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
