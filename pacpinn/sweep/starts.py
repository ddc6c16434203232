"""From where each target of a sweep starts: along a chain, or from a spine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

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


class Starts(Protocol):
    """Keeps what is solved, and gives the points from which further targets start."""

    def point(self, parent: Coefficients, target: Coefficients) -> StartPoint:
        """From where a target starts that hangs on `parent`."""

    def add(self, parent: Coefficients, target: Coefficients, result: StepResult) -> StepResult:
        """Take up the result of a step. Returns it with those bases that the family is to keep."""

    def resume(self, parent: Coefficients, target: Coefficients, found: SolutionOnBase) -> None:
        """Take up a target that an interrupted sweep has solved."""


class SolvedMembers:
    """The members and targets tried so far, and which of them is the nearest solved one on a base.

    The search goes over all of them, once for each target: far less work than solving the target.

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

    def start(self, parent: Coefficients) -> SolutionOnBase:
        """The parent, or the first of its ancestors that is solved; the source if none is."""
        found = self._tried[parent]
        while found.solution.parent is not None and not found.solved:
            found = self._tried[found.solution.parent]
        return found

    def nearest(self, target: Coefficients, start: SolutionOnBase) -> SolutionOnBase | None:
        """Of the solved members on the base of `start`, itself left out, the one nearest to a target."""
        if start.base not in self._solved_on:
            return None
        others = self._solved_on[start.base].copy()
        others[self._index[start.coefficients]] = False
        if not others.any():
            return None
        lengths = np.where(others, distances(self._places, self._places[self._index[target]]), np.inf)
        return self._tried[self._order[int(lengths.argmin())]]


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
        self._later = tuple(all_bases[len(context.bases) :])
        self._grown: tuple[Base, ...] = ()

    def point(self, parent: Coefficients, target: Coefficients) -> StartPoint:
        start = self._solved.start(parent)
        return StartPoint(start, self._solved.nearest(target, start), self._grown)

    def add(self, parent: Coefficients, target: Coefficients, result: StepResult) -> StepResult:
        self._solved.add(result.found)
        self._grown += result.grown
        return result

    def resume(self, parent: Coefficients, target: Coefficients, found: SolutionOnBase) -> None:
        self._solved.add(found)
        if found.base in self._later:
            count = 1 + self._later.index(found.base)  # bases that were grown on the way to it come before it
            self._grown = self._later[: max(len(self._grown), count)]


class SpineStarts:
    """Starts from a spine: a target knows what lies on its own way through the tree, and nothing else.

    So results do not depend on the order in which steps finish. Steps that grow the same base independently of each
    other share it afterwards.

    Args:
        context, members, all_bases: as of :class:`ChainStarts`.
        edges: the tree.
    """

    def __init__(
        self, context: StepContext, members: Members, edges: Sequence[TargetEdge], all_bases: Sequence[Base]
    ) -> None:
        solved = SolvedMembers(context.problem, list(members), members.values())
        self._points: dict[Coefficients, StartPoint] = {}
        for root in {parent: None for parent, _ in edges if parent in members}:
            start = solved.start(root)
            self._points[root] = StartPoint(start, solved.nearest(root, start))
        self._bases = context.bases
        self._known: dict[Coefficients, list[Base]] = {}
        for each in all_bases:
            self._known.setdefault(each.coefficients, []).append(each)

    def point(self, parent: Coefficients, target: Coefficients) -> StartPoint:
        return self._points[parent]

    def add(self, parent: Coefficients, target: Coefficients, result: StepResult) -> StepResult:
        found = result.found
        grown = tuple(map(self._shared, result.grown[-1:]))  # of several grown in turn the last one is in use
        if grown:
            found = found._replace(base=grown[0])
        point = self._points[parent]
        self._points[target] = point.after(found, point.grown + grown)
        return StepResult(found, grown)

    def resume(self, parent: Coefficients, target: Coefficients, found: SolutionOnBase) -> None:
        point = self._points[parent]
        new = found.base not in (*self._bases, *point.grown)
        self.add(parent, target, StepResult(found, (found.base,) if new else ()))

    def _shared(self, base: Base) -> Base:
        """The base itself, or one with the same coefficients and weights that is known already."""
        known = self._known.setdefault(base.coefficients, [])
        for each in known:
            if torch.equal(each.masked.weights, base.masked.weights):
                return each
        known.append(base)
        return base
