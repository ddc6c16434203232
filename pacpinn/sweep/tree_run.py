"""Run all steps of a tree of targets: a step waits only for the targets on which its own targets hang."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence

from pacpinn.continuation.step_control import StepResult
from pacpinn.sweep.pools import Pool
from pacpinn.sweep.starts import Starts
from pacpinn.tasks.coefficient import Coefficients

TargetEdge = tuple[Coefficients, Coefficients]  # parent, target


class TargetTree:
    """Steps over the edges of a tree, in their order, and which of them can be taken.

    Args:
        roots: the coefficients of the family's members.
        steps: for each step the edges that it takes together.
    """

    def __init__(self, roots: Collection[Coefficients], steps: Sequence[Sequence[TargetEdge]]) -> None:
        self.steps = steps
        self._waits_for = [{parent for parent, _ in step if parent not in roots} for step in steps]
        self._ready = [number for number, missing in enumerate(self._waits_for) if not missing]  # a heap: it is sorted
        self._waiting: dict[Coefficients, list[int]] = {}
        for number, parents in enumerate(self._waits_for):
            for parent in parents:
                self._waiting.setdefault(parent, []).append(number)

    def first_ready(self) -> int | None:
        """The first step all of whose parents are solved; it is not given again."""
        return heapq.heappop(self._ready) if self._ready else None

    def add(self, target: Coefficients) -> None:
        """A target is done: steps that waited only for it become ready."""
        for number in self._waiting.pop(target, ()):
            self._waits_for[number].remove(target)
            if not self._waits_for[number]:
                heapq.heappush(self._ready, number)


def run_tree(
    tree: TargetTree, starts: Starts, pool: Pool, done: Mapping[Coefficients, StepResult]
) -> Iterator[StepResult]:
    """Take all steps of a tree, as many at once as a pool takes.

    Targets that an interrupted sweep has solved are `done`. A step of several targets is taken again unless all of them
    are done. Yields the result of each target that is not done, as soon as it is there.
    """
    running = 0
    while running := running + _submit_ready(tree, starts, pool, done):
        number, results = pool.next()
        running -= 1
        for (parent, target), result in zip(tree.steps[number], results, strict=True):
            kept = starts.add(parent, result)
            tree.add(target)
            if target not in done:
                yield kept


def _submit_ready(tree: TargetTree, starts: Starts, pool: Pool, done: Mapping[Coefficients, StepResult]) -> int:
    """Submit ready steps while the pool has room, and return their number. Steps that are done are not submitted."""
    submitted = 0
    while pool.room > 0 and (number := tree.first_ready()) is not None:
        step = tree.steps[number]
        if all(target in done for _, target in step):
            for parent, target in step:
                starts.add(parent, done[target])
                tree.add(target)
        else:
            pool.submit(number, [starts.segment(parent, target) for parent, target in step])
            submitted += 1
    return submitted
