"""Where steps along the tree of targets are taken: in this process, one after the other, or in another pool."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from pacpinn.continuation.calibration import PathSegment, calibrate_together
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.singular_points import with_crossed
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.continuation.step_control import StepResult, continue_to
from pacpinn.solvers.base import Report, silent
from pacpinn.tasks.coefficient import Coefficients


def take_step(context: StepContext, segments: Sequence[PathSegment], report: Report = silent) -> list[StepResult]:
    """Solve the targets of segments: a single one by step control, several in one batch for each base.

    A pure function, called in this process or by a worker. A target that does not converge in its batch is solved again
    by step control. There is one result for each segment, in their order.
    """
    if len(segments) == 1:
        return [continue_to(context, segments[0], report)]
    on_base: dict[Base, list[PathSegment]] = {}
    for segment in segments:
        on_base.setdefault(segment.start.base, []).append(segment)
    results: dict[Coefficients, StepResult] = {}
    for group in on_base.values():
        for segment, trial in zip(group, calibrate_together(context, group, report), strict=True):
            if trial.solved:
                results[segment.target] = StepResult(with_crossed(context, segment, trial))
            else:
                results[segment.target] = _after_trial(trial, continue_to(context, segment, report))
    return [results[segment.target] for segment in segments]


def _after_trial(trial: SolutionOnBase, result: StepResult) -> StepResult:
    """A result whose steps and seconds count a trial before it."""
    solution, tried = result.found.solution, trial.solution
    solution = replace(solution, steps=tried.steps + solution.steps, seconds=tried.seconds + solution.seconds)
    return result._replace(found=result.found._replace(solution=solution))


class Pool(Protocol):
    """Takes steps, and returns their results in the order in which they finish."""

    @property
    def room(self) -> int:
        """How many more steps can be submitted now."""

    def submit(self, number: int, segments: Sequence[PathSegment]) -> None:
        """Accept a step; of waiting steps the one with the least number is taken first."""

    def next(self) -> tuple[int, Sequence[StepResult]]:
        """Wait for a step to finish: its number, and one result for each of its segments."""


PoolOf = Callable[[StepContext], Pool]


class SerialPool:
    """This process: it holds one step, which is taken when its result is asked for.

    Args:
        context: what all steps share.
        reporter: gives for a target the function that is called with step and loss.
    """

    def __init__(self, context: StepContext, reporter: Callable[[Coefficients], Report]) -> None:
        self._context, self._reporter = context, reporter
        self._waiting: deque[tuple[int, Sequence[PathSegment]]] = deque()

    @property
    def room(self) -> int:
        return 1 - len(self._waiting)

    def submit(self, number: int, segments: Sequence[PathSegment]) -> None:
        self._waiting.append((number, segments))

    def next(self) -> tuple[int, Sequence[StepResult]]:
        number, segments = self._waiting.popleft()
        return number, take_step(self._context, segments, self._reporter(segments[0].target))
