"""From where each target of a sweep starts: along a chain, or from a spine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch

from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.sweep.target_tree import distances
from pacpinn.sweep.tree_step import StartPoint, StepContext
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem

TargetEdge = tuple[Coefficients, Coefficients]  # parent, target
Members = Mapping[Coefficients, SolutionOnBase]


class SolvedMembers:
    """The members and targets tried so far, and from which of them a target starts.

    Args:
        problem: the family's.
        order: the coefficients of all members and targets; of two equally near ones the first is taken.
        members: what is solved already.
    """

    def __init__(self, problem: Problem, order: Sequence[Coefficients], members: Iterable[SolutionOnBase]) -> None:
        self._order, self._index = order, {c: k for k, c in enumerate(order)}
        self._places = problem.space.places(order)
        self._solved_on: dict[Base, np.ndarray] = {}  # for each base a mask over the order
        self._tried: dict[Coefficients, SolutionOnBase] = {}
        for each in members:
            self.add(each)

    def add(self, found: SolutionOnBase) -> None:
        """A target that is solved, or has been tried."""
        self._tried[found.coefficients] = found
        if found.solved:
            mask = self._solved_on.setdefault(found.base, np.zeros(len(self._order), dtype=bool))
            mask[self._index[found.coefficients]] = True

    def point(self, parent: Coefficients, target: Coefficients, grown: tuple[Base, ...] = ()) -> StartPoint:
        """A target starts at its parent, or at the first ancestor of it that is solved.

        The member before is the nearest other one to the target on the same base. The search over all members is far
        less work than solving the target.
        """
        start = self._tried[parent]
        while start.solution.parent is not None and not start.solved:
            start = self._tried[start.solution.parent]
        others = self._solved_on.get(start.base, np.zeros(len(self._order), dtype=bool)).copy()
        others[self._index[start.coefficients]] = False
        if not others.any():
            return StartPoint(start, None, grown)
        lengths = np.where(others, distances(self._places, self._places[self._index[target]]), np.inf)
        return StartPoint(start, self._tried[self._order[int(lengths.argmin())]], grown)


class ChainStarts:
    """Starts along a chain, whose targets are solved one after the other: each knows all that came before it.

    Args:
        context: what all steps share.
        members: the family's before the sweep.
        edges: the chain.
        all_bases: the context's bases, and those that an interrupted sweep has grown.
    """

    def __init__(
        self, context: StepContext, members: Members, edges: Sequence[TargetEdge], all_bases: Sequence[Base]
    ) -> None:
        order = [*members, *(target for _, target in edges)]
        self._solved = SolvedMembers(context.problem, order, members.values())
        self._grown: tuple[Base, ...] = ()

    def point(self, parent: Coefficients, target: Coefficients) -> StartPoint:
        """From where a target starts whose parent is solved, or has been tried."""
        return self._solved.point(parent, target, self._grown)

    def add(self, parent: Coefficients, target: Coefficients, result: StepResult) -> StepResult:
        """Take up the result of a target. Returns it with those bases that the family is to keep."""
        self._solved.add(result.found)
        self._grown += tuple(base for base in result.grown if base not in self._grown)
        return result


class SpineStarts:
    """Starts from a spine: a target knows the members and bases on its own branch of the tree, and no others.

    So results do not depend on the order in which steps finish. Steps that grow the same base independently of each
    other share it afterwards. Arguments and methods are those of :class:`ChainStarts`, the edges those of a tree.
    """

    def __init__(
        self, context: StepContext, members: Members, edges: Sequence[TargetEdge], all_bases: Sequence[Base]
    ) -> None:
        solved = SolvedMembers(context.problem, list(members), members.values())
        roots = dict.fromkeys(parent for parent, _ in edges if parent in members)
        self._points = {root: solved.point(root, root) for root in roots}
        self._known: dict[Coefficients, list[Base]] = {}
        for each in all_bases:
            self._known.setdefault(each.coefficients, []).append(each)

    def point(self, parent: Coefficients, target: Coefficients) -> StartPoint:
        return self._points[parent]

    def add(self, parent: Coefficients, target: Coefficients, result: StepResult) -> StepResult:
        point, found = self._points[parent], result.found
        grown = tuple(map(self._shared, result.grown[-1:]))  # of several grown in turn the last one is in use
        if grown:
            found = found._replace(base=grown[0])
        self._points[target] = point.after(found, tuple(dict.fromkeys(point.grown + grown)))
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
