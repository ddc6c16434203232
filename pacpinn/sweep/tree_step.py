"""One step along the tree of targets as a pure function: called in this process, or sent to a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from pacpinn.continuation.batched import calibrate_together
from pacpinn.continuation.predictor import PathSegment
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.continuation.step_control import continue_to, looked_back
from pacpinn.solvers.base import Report, Status, silent
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem


class StepContext(NamedTuple):
    """What all steps share: the family's problem, the bases that there were before, and its settings."""

    problem: Problem
    bases: Sequence[Base]
    settings: Settings


class StartPoint(NamedTuple):
    """What the targets that hang on a member need of it.

    Attributes:
        start: the last solved member on the way to it, itself if it is solved.
        before: the solved one before that, for a secant; None if there is none on the same base.
        grown: bases that were grown on the way, counted on after the ground's.
    """

    start: Solution
    before: Solution | None = None
    grown: tuple[Base, ...] = ()

    def on(self, solution: Solution, grown: tuple[Base, ...]) -> StartPoint:
        """The branch of a target that was solved from here; where it was not, there is nothing to start from."""
        if solution.status is not Status.CONVERGED:
            return self
        return StartPoint(solution, self.start if self.start.base == solution.base else None, grown)


class StepResult(NamedTuple):
    """A step's target, its base counted along the way to it, and its branch."""

    solution: Solution
    branch: StartPoint


TargetStart = tuple[StartPoint, Coefficients]


def take_step(ground: StepContext, starts: Sequence[TargetStart], report: Report = silent) -> list[StepResult]:
    """Solve targets, each from the branch on which it hangs: one by :func:`advance`, several at once in one batch for
    each base, and what such a batch does not solve one by one.

    Args:
        ground: what all steps share.
        starts: for each target its branch.
        report: called with step and loss.
    """
    if len(starts) == 1:
        return [_alone(ground, *starts[0], report)]
    taken: dict[Coefficients, StepResult] = {}
    for _, of_one_base in groupby(sorted(starts, key=_base), key=_base):
        group = list(of_one_base)
        branch = group[0][0]
        base = (*ground.bases, *branch.grown)[branch.start.base]
        legs = [PathSegment(branch.start, target, branch.before) for branch, target in group]
        tried = calibrate_together(ground.problem, base, legs, ground.settings, report)
        for leg, (branch, target), first in zip(legs, group, tried, strict=True):
            taken[target] = _after(ground, branch, leg, first, report)
    return [taken[target] for _, target in starts]


def _alone(ground: StepContext, branch: StartPoint, target: Coefficients, report: Report) -> StepResult:
    problem, bases, settings = ground.problem, [*ground.bases, *branch.grown], ground.settings
    solution, grown = continue_to(problem, bases, branch.start, target, settings, report, branch.before)
    if solution.base < len(bases):
        return StepResult(solution, branch.on(solution, branch.grown))
    new = grown[solution.base]  # of several grown in turn the last one is in use
    solution = replace(solution, base=len(bases))
    return StepResult(solution, branch.on(solution, (*branch.grown, new)))


def _after(ground: StepContext, branch: StartPoint, leg: PathSegment, first: Solution, report: Report) -> StepResult:
    """What a batch has solved, looked back upon; what it has not, by shorter steps."""
    if first.status is Status.CONVERGED:
        bases = [*ground.bases, *branch.grown]
        solution = looked_back(ground.problem, bases, leg, first, ground.settings)
        return StepResult(solution, branch.on(solution, branch.grown))
    taken = _alone(ground, branch, leg.target, report)
    steps, seconds = first.steps + taken.solution.steps, first.seconds + taken.solution.seconds
    solution = replace(taken.solution, steps=steps, seconds=seconds)
    return StepResult(solution, branch.on(solution, taken.branch.grown))


def _base(start: TargetStart) -> tuple[int, list[float]]:
    """Bases of one place and one allocation are the same, wherever they were grown."""
    branch, _ = start
    grown = [list(each.coefficients.values()) for each in branch.grown]
    return branch.start.base, [value for each in grown for value in each]
