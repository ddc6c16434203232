"""One step along the tree of targets: a pure function, called in this process or by a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from pacpinn.continuation.batched import calibrate_together
from pacpinn.continuation.predictor import PathSegment
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.singular_points import with_crossed
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.continuation.step_control import StepResult, continue_to
from pacpinn.solvers.base import Report, silent
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem


class StepContext(NamedTuple):
    """What all steps of a sweep share: the family's problem, its bases before the sweep, and its settings."""

    problem: Problem
    bases: Sequence[Base]
    settings: Settings


class StartPoint(NamedTuple):
    """What is known where a target starts.

    Attributes:
        start: the last solved member on the way to the target.
        before: another solved member on the same base, for a secant; None if there is none.
        grown: the bases grown before this target, besides those of the context.
    """

    start: SolutionOnBase
    before: SolutionOnBase | None = None
    grown: tuple[Base, ...] = ()

    def after(self, found: SolutionOnBase, grown: tuple[Base, ...]) -> StartPoint:
        """The start of the targets below one that started here: that target if it is solved, else this point again."""
        if not found.solved:
            return self
        return StartPoint(found, self.start if self.start.base == found.base else None, grown)


TargetStart = tuple[StartPoint, Coefficients]


def take_step(context: StepContext, starts: Sequence[TargetStart], report: Report = silent) -> list[StepResult]:
    """Solve targets: a single one by step control, several in one batch for each base.

    Args:
        context: what all steps share.
        starts: each target with the point from which it starts.
        report: called with step and loss.

    Returns:
        One result for each target, in their order.
    """
    if len(starts) == 1:
        return [_one(context, *starts[0], report)]
    on_base: dict[Base, list[TargetStart]] = {}
    for point, target in starts:
        on_base.setdefault(point.start.base, []).append((point, target))
    results: dict[Coefficients, StepResult] = {}
    for group in on_base.values():
        segments = [PathSegment(point.start, target, point.before) for point, target in group]
        trials = calibrate_together(context.problem, segments, context.settings, report)
        for (point, target), segment, trial in zip(group, segments, trials, strict=True):
            if trial.solved:
                results[target] = StepResult(with_crossed(context.problem, segment, trial, context.settings))
            else:
                results[target] = _after_trial(trial, _one(context, point, target, report))
    return [results[target] for _, target in starts]


def _one(context: StepContext, point: StartPoint, target: Coefficients, report: Report) -> StepResult:
    segment = PathSegment(point.start, target, point.before)
    return continue_to(context.problem, [*context.bases, *point.grown], segment, context.settings, report)


def _after_trial(trial: SolutionOnBase, result: StepResult) -> StepResult:
    """A result whose steps and seconds count a trial before it."""
    solution, tried = result.found.solution, trial.solution
    solution = replace(solution, steps=tried.steps + solution.steps, seconds=tried.seconds + solution.seconds)
    return result._replace(found=result.found._replace(solution=solution))
