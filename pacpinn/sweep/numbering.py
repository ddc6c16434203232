"""Indices of bases: the one place where solutions on their bases become members of a family."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from pacpinn.continuation.solution import Base, Solution
from pacpinn.continuation.step_control import StepResult


class SolvedTarget(NamedTuple):
    """A target's solution, and the bases of the family with it: its index of a base counts these."""

    solution: Solution
    bases: list[Base]


def number_bases(results: Iterable[StepResult], bases: Sequence[Base]) -> Iterator[SolvedTarget]:
    """Each result with the index of its base among those of the family, new ones after the others as they come."""
    for found, grown in results:
        bases = [*bases, *(each for each in grown if each not in bases)]
        yield SolvedTarget(replace(found.solution, base=bases.index(found.base)), bases)


def reorder_bases(solutions: Sequence[Solution], bases: Sequence[Base]) -> tuple[list[Solution], list[Base]]:
    """The bases in the order in which the solutions first build on them, unused ones last; and the solutions with
    their new indices. Both are the same in whatever order the steps have finished."""
    used = list(dict.fromkeys([each.base for each in solutions] + list(range(len(bases)))))
    index = {old: new for new, old in enumerate(used)}
    return [replace(each, base=index[each.base]) for each in solutions], [bases[old] for old in used]
