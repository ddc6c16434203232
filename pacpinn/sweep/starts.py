"""From where each target of a sweep starts: along a chain, or from a spine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch

from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.sweep.target_tree import distances
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem

Members = Mapping[Coefficients, SolutionOnBase]


class ChainStarts:
    """Starts along a chain, whose targets are solved one after the other: each knows all that came before it.

    Args:
        problem: the family's.
        members: the family's before the sweep.
        targets: of the chain, in its order; of two equally near members the first is taken.
    """

    def __init__(self, problem: Problem, members: Members, targets: Iterable[Coefficients]) -> None:
        self._order = [*members, *targets]
        self._index = {c: k for k, c in enumerate(self._order)}
        self._places = problem.space.places(self._order)
        self._solved_on: dict[Base, np.ndarray] = {}  # for each base a mask over the order
        self._tried: dict[Coefficients, SolutionOnBase] = {}
        self._grown: tuple[Base, ...] = ()
        for each in members.values():
            self._add(each)

    def segment(self, parent: Coefficients, target: Coefficients) -> PathSegment:
        """The segment to a target from its parent, or from the first ancestor of it that is solved.

        The member before is the nearest other one to the target on the same base. The search over all members is far
        less work than solving the target.
        """
        start = self._tried[parent]
        while not start.solved and start.solution.parent is not None and start.solution.parent in self._tried:
            start = self._tried[start.solution.parent]
        others = self._solved_on.get(start.base, np.zeros(len(self._order), dtype=bool)).copy()
        others[self._index[start.coefficients]] = False
        if not others.any():
            return PathSegment(start, target, None, self._grown)
        lengths = np.where(others, distances(self._places, self._places[self._index[target]]), np.inf)
        return PathSegment(start, target, self._tried[self._order[int(lengths.argmin())]], self._grown)

    def add(self, parent: Coefficients, result: StepResult) -> StepResult:
        """Take up the result of a target. Returns it with those bases that the family is to keep."""
        self._add(result.found)
        self._grown += tuple(base for base in result.grown if base not in self._grown)
        return result

    def _add(self, found: SolutionOnBase) -> None:
        self._tried[found.coefficients] = found
        if found.solved:
            mask = self._solved_on.setdefault(found.base, np.zeros(len(self._order), dtype=bool))
            mask[self._index[found.coefficients]] = True


class SpineStarts:
    """Starts from a spine: a target knows the members and bases on its own branch of the tree, and no others.

    So results do not depend on the order in which steps finish. Steps that grow the same base independently of each
    other share it afterwards.

    Args:
        problem, members: as for :class:`ChainStarts`.
        bases: the family's, and those that an interrupted sweep has grown.
    """

    def __init__(self, problem: Problem, members: Members, bases: Sequence[Base]) -> None:
        self._roots = ChainStarts(problem, members, ())
        self._segments: dict[Coefficients, PathSegment] = {}  # by parent: all of its targets start alike
        self._known: dict[Coefficients, list[Base]] = {}
        for each in bases:
            self._known.setdefault(each.coefficients, []).append(each)

    def segment(self, parent: Coefficients, target: Coefficients) -> PathSegment:
        if parent not in self._segments:
            self._segments[parent] = self._roots.segment(parent, parent)
        return self._segments[parent]._replace(target=target)

    def add(self, parent: Coefficients, result: StepResult) -> StepResult:
        target, found = result.found.coefficients, result.found
        grown = tuple(map(self._shared, result.grown[-1:]))  # of several grown in turn the last one is in use
        if grown:
            found = found._replace(base=grown[0])
        segment = self.segment(parent, target)
        if found.solved:
            before = segment.start if segment.start.base == found.base else None
            segment = PathSegment(found, target, before, tuple(dict.fromkeys(segment.grown + grown)))
        self._segments[target] = segment
        return StepResult(found, grown)

    def _shared(self, base: Base) -> Base:
        """The base itself, or one with the same coefficients and weights that is known already."""
        known = self._known.setdefault(base.coefficients, [])
        for each in known:
            if torch.equal(each.masked.weights, base.masked.weights):
                return each
        known.append(base)
        return base


Starts = ChainStarts | SpineStarts
