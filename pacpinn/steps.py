"""One step along the tree of targets as a pure function: called in this process, or sent to a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from pacpinn.coefficient import Coefficients
from pacpinn.continuation import advance, looked_back
from pacpinn.first_guess import Leg
from pacpinn.problem import Problem
from pacpinn.settings import Settings
from pacpinn.solution import Base, Solution
from pacpinn.solvers import Report, Status, silent
from pacpinn.wavefront import calibrate_together


class Ground(NamedTuple):
    """What all steps share: the family's problem, the bases that there were before, and its settings."""

    problem: Problem
    bases: Sequence[Base]
    settings: Settings


class Branch(NamedTuple):
    """What the targets that hang on a member need of it.

    Attributes:
        start: the last solved member on the way to it, itself if it is solved.
        before: the solved one before that, for a secant; None if there is none on the same base.
        grown: bases that were grown on the way, counted on after the ground's.
    """

    start: Solution
    before: Solution | None = None
    grown: tuple[Base, ...] = ()

    def on(self, solution: Solution, grown: tuple[Base, ...]) -> Branch:
        """The branch of a target that was solved from here; where it was not, there is nothing to start from."""
        if solution.status is not Status.CONVERGED:
            return self
        return Branch(solution, self.start if self.start.base == solution.base else None, grown)


class Taken(NamedTuple):
    """A step's target, its base counted along the way to it, and its branch."""

    solution: Solution
    branch: Branch


Start = tuple[Branch, Coefficients]


def step(ground: Ground, starts: Sequence[Start], report: Report = silent) -> list[Taken]:
    """Solve targets, each from the branch on which it hangs: one by :func:`advance`, several at once in one batch for
    each base, and what such a batch does not solve one by one.

    Args:
        ground: what all steps share.
        starts: for each target its branch.
        report: called with step and loss.
    """
    if len(starts) == 1:
        return [_alone(ground, *starts[0], report)]
    taken: dict[Coefficients, Taken] = {}
    for _, of_one_base in groupby(sorted(starts, key=_base), key=_base):
        group = list(of_one_base)
        branch = group[0][0]
        base = (*ground.bases, *branch.grown)[branch.start.base]
        legs = [Leg(branch.start, target, branch.before) for branch, target in group]
        tried = calibrate_together(ground.problem, base, legs, ground.settings, report)
        for leg, (branch, target), first in zip(legs, group, tried, strict=True):
            taken[target] = _after(ground, branch, leg, first, report)
    return [taken[target] for _, target in starts]


def _alone(ground: Ground, branch: Branch, target: Coefficients, report: Report) -> Taken:
    problem, bases, settings = ground.problem, [*ground.bases, *branch.grown], ground.settings
    solution, grown = advance(problem, bases, branch.start, target, settings, report, branch.before)
    if solution.base < len(bases):
        return Taken(solution, branch.on(solution, branch.grown))
    new = grown[solution.base]  # of several grown in turn the last one is in use
    solution = replace(solution, base=len(bases))
    return Taken(solution, branch.on(solution, (*branch.grown, new)))


def _after(ground: Ground, branch: Branch, leg: Leg, first: Solution, report: Report) -> Taken:
    """What a batch has solved, looked back upon; what it has not, by shorter steps."""
    if first.status is Status.CONVERGED:
        bases = [*ground.bases, *branch.grown]
        solution = looked_back(ground.problem, bases, leg, first, ground.settings)
        return Taken(solution, branch.on(solution, branch.grown))
    taken = _alone(ground, branch, leg.target, report)
    steps, seconds = first.steps + taken.solution.steps, first.seconds + taken.solution.seconds
    solution = replace(taken.solution, steps=steps, seconds=seconds)
    return Taken(solution, branch.on(solution, taken.branch.grown))


def _base(start: Start) -> tuple[int, list[float]]:
    """Bases of one place and one allocation are the same, wherever they were grown."""
    branch, _ = start
    grown = [list(each.coefficients.values()) for each in branch.grown]
    return branch.start.base, [value for each in grown for value in each]
