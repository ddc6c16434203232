"""Along a tree of targets in steps that do not wait for each other, unless one starts where another ends."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch

from pacpinn.continuation.solution import Base, Solution
from pacpinn.continuation.step_control import SolvedTarget
from pacpinn.sweep.pools import Pool
from pacpinn.sweep.tree_step import StartPoint, StepContext, TargetStart
from pacpinn.tasks.coefficient import Coefficients

TargetEdge = tuple[Coefficients, Coefficients]


class Advances(NamedTuple):
    """Solutions, and the bases on which they build."""

    solutions: list[Solution]
    bases: list[Base]


class TargetTree:
    """Steps over the edges of a tree, in their order, and which of them can be taken.

    Args:
        roots: the branches of the members there are.
        steps: for each step the edges ``(parent, target)`` that it takes together.
    """

    def __init__(self, roots: Mapping[Coefficients, StartPoint], steps: Sequence[Sequence[TargetEdge]]) -> None:
        self.steps, self.branches = steps, dict(roots)
        self._lacking = [len({parent for parent, _ in step} - roots.keys()) for step in steps]
        self._ready = [number for number, lacking in enumerate(self._lacking) if not lacking]  # a heap, being sorted
        self._behind: dict[Coefficients, set[int]] = {}
        for number, step in enumerate(steps):
            for parent, _ in step:
                self._behind.setdefault(parent, set()).add(number)

    def first_ready(self) -> int | None:
        """The first step all of whose parents are there; it is not given again."""
        return heapq.heappop(self._ready) if self._ready else None

    def starts(self, number: int) -> list[TargetStart]:
        return [(self.branches[parent], target) for parent, target in self.steps[number]]

    def add(self, target: Coefficients, branch: StartPoint) -> None:
        """A target is done: what hangs on it may begin."""
        self.branches[target] = branch
        for number in self._behind.get(target, ()):
            self._lacking[number] -= 1
            if not self._lacking[number]:
                heapq.heappush(self._ready, number)


def run_tree(
    tree: TargetTree, ground: StepContext, pool: Pool, done: Mapping[Coefficients, Solution], grown: Sequence[Base]
) -> Iterator[SolvedTarget]:
    """Take all steps of a tree, as many at once as a pool takes.

    Args:
        tree: what to take.
        ground: what all steps share.
        pool: where to take them.
        done: targets that an interrupted walk has solved.
        grown: the bases there were then, the ground's first.

    Yields:
        Each other target's solution when it comes, and the bases there are then.
    """
    bases, running = list(grown), 0
    while True:
        while pool.room > 0 and (number := tree.first_ready()) is not None:
            if all(target in done for _, target in tree.steps[number]):
                for branch, target in tree.starts(number):
                    tree.add(target, _taken_up(branch, done[target], ground, bases))
            else:
                pool.submit(number, tree.starts(number))
                running += 1
        if not running:
            return
        finished = pool.next()
        running -= 1
        for (_, target), taken in zip(tree.steps[finished.number], finished.taken, strict=True):
            tree.add(target, taken.branch)
            if target not in done:
                solution, new = _counted(taken.solution, taken.branch.grown, ground, bases)
                bases = new
                yield SolvedTarget(solution, list(bases))


def in_order(solutions: Sequence[Solution], bases: Sequence[Base]) -> Advances:
    """Solutions in the order in which they are to be, and the bases in the order in which these build on them: the same
    however the steps have finished."""
    used = list(dict.fromkeys([each.base for each in solutions] + list(range(len(bases)))))
    place = {old: new for new, old in enumerate(used)}
    return Advances([replace(each, base=place[each.base]) for each in solutions], [bases[old] for old in used])


def _counted(
    solution: Solution, grown: Sequence[Base], ground: StepContext, bases: Sequence[Base]
) -> tuple[Solution, list[Base]]:
    """A solution with its base counted among all there are, and those with its own, if it is new."""
    if solution.base < len(ground.bases):
        return solution, list(bases)
    own = grown[solution.base - len(ground.bases)]
    place = next((k for k, each in enumerate(bases) if _same(each, own)), len(bases))
    return replace(solution, base=place), [*bases, own] if place == len(bases) else list(bases)


def _taken_up(branch: StartPoint, solution: Solution, ground: StepContext, bases: Sequence[Base]) -> StartPoint:
    """The branch of a target that is done: its base counted along the way again."""
    if solution.base < len(ground.bases):
        return branch.on(solution, branch.grown)
    own, first = bases[solution.base], len(ground.bases)
    place = next((k for k, each in enumerate(branch.grown) if _same(each, own)), len(branch.grown))
    grown = branch.grown if place < len(branch.grown) else (*branch.grown, own)
    return branch.on(replace(solution, base=first + place), grown)


def _same(a: Base, b: Base) -> bool:
    """Whether two bases are one, grown by steps of their own from the same member."""
    return a is b or (a.coefficients == b.coefficients and torch.equal(a.masked.weights, b.masked.weights))
