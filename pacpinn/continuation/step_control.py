"""From a solved coefficient to the next one: calibration along a path through coefficient space."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from pacpinn.continuation.family_methods import BASELINES, build_base
from pacpinn.continuation.predictor import PathSegment, secant_predictor
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.singular_points import find_ahead, find_crossed
from pacpinn.continuation.solution import Base, Solution
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Report, Result, Status, silent
from pacpinn.solvers.choice import get_solver
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.transfer.methods import calibration, minimise, penalty_strength

_NEARLY = 10  # times its tolerance: a residual so small shows that the step was not too long


class SolvedTarget(NamedTuple):
    """A target's solution, and the bases of its family: those there were, and new ones if it needed them."""

    solution: Solution
    bases: list[Base]


def continue_to(
    problem: Problem,
    bases: Sequence[Base],
    parent: Solution,
    target: Coefficients,
    settings: Settings,
    report: Report = silent,
    before: Solution | None = None,
) -> SolvedTarget:
    """Calibrate from `parent` to `target`: one pure step along the tree of targets.

    The whole way is tried first. A step that misses its tolerance by far is halved, and one that succeeds is followed
    by one of twice its length (natural continuation with adaptive steps: Allgower & Georg 2003, section 6). Where an
    equation's residual falls, but not quite to its tolerance, or yields to no step, the frozen weights no longer fit: a
    new base is grown there, and the way goes on from it.

    Args:
        problem: the family's problem.
        bases: the family's bases.
        parent: the member to start from.
        target: where to go.
        settings: how far steps may be halved, how many bases there may be, and how each task is solved.
        report: called with step and loss.
        before: another member nearby, such as the parent's own parent: the first guess may lie on their secant.

    Returns:
        The solution, whose steps and seconds count everything that was tried, with the singular point that it came
        over or that kept it from being solved; and the bases.
    """
    if settings.method in BASELINES:
        return SolvedTarget(BASELINES[settings.method](problem, bases, target, settings, report), list(bases))
    leg = PathSegment(parent, target, before)
    grown, here, done, stride = list(bases), parent, 0.0, 1.0
    tried: list[Solution] = []
    allocations: list[Result] = []
    while True:
        goal = target if done + stride >= 1 else problem.space.between(parent.coefficients, target, done + stride)
        trial = calibrate(problem, grown, PathSegment(here, goal, before), settings, report)
        tried.append(trial)
        if trial.status is Status.CONVERGED and goal is target:
            break
        if trial.status is Status.CONVERGED:
            before, here, done = here, trial, done + stride
            stride = min(2 * stride, 1 - done)
            continue
        middle = problem.space.between(parent.coefficients, target, done + stride / 2)
        divisible = not (middle.close_to(here.coefficients) or middle.close_to(goal))
        halving = divisible and stride > 0.5**settings.halvings and not _overfitted(trial)
        nearly = trial.tolerance is not None and trial.residual <= _NEARLY * trial.tolerance
        if _may_grow(grown, here, settings) and trial.tolerance is not None and (nearly or not halving):
            base, results = _grow(problem, grown[here.base], here, settings, report)
            grown.append(base)
            allocations += results
            before, here, stride = None, replace(here, base=len(grown) - 1, z=base.masked.start), 1 - done
        elif halving:
            stride /= 2
        else:
            break
    if trial.status is Status.CONVERGED:
        tried[-1] = trial = looked_back(problem, grown, leg, trial, settings)
        singular = trial.singular
    else:
        solved = [each for each in tried if each.status is Status.CONVERGED]
        singular = find_ahead(problem, grown, leg, solved, done + stride, settings)
    if trial.status is not Status.CONVERGED or trial.base < len(bases):
        grown = list(bases)  # a new base that has not helped is not kept
    best = min(
        (each for each in tried if each.coefficients == target and each.base < len(grown)),
        key=lambda each: (each.status is not Status.CONVERGED, each.residual),
    )
    solution = replace(
        best,
        steps=sum(each.steps for each in tried) + sum(each.steps for each in allocations),
        seconds=sum(each.seconds for each in tried) + sum(each.seconds for each in allocations),
        parent=parent.coefficients,
        reached=None if best.status is Status.CONVERGED else here.coefficients,
        singular=singular,
    )
    return SolvedTarget(solution, grown)


def _overfitted(trial: Solution) -> bool:
    """Whether an equation is solved on its training points alone: no shorter step would help."""
    if trial.status is not Status.STALLED or trial.tolerance is None:
        return False
    return bool(trial.history) and trial.history[-1] <= trial.tolerance**2


def _may_grow(bases: Sequence[Base], here: Solution, settings: Settings) -> bool:
    """Whether there may be another base; where the last one has just been grown it would be the same again."""
    return settings.method == "pac" and len(bases) < settings.bases and here.coefficients != bases[-1].coefficients


def looked_back(
    problem: Problem, bases: Sequence[Base], leg: PathSegment, solution: Solution, settings: Settings
) -> Solution:
    """A leg's solved target with the singular point, if any, that lies between; see :func:`crossed`."""
    began = time.perf_counter()

    def solve(start: Solution, c: Coefficients) -> Solution:
        return calibrate(problem, bases, PathSegment(start, c), settings)

    singular = find_crossed(problem, bases, leg, solution, settings, solve)
    return replace(solution, singular=singular, seconds=solution.seconds + time.perf_counter() - began)


def calibrate(
    problem: Problem, bases: Sequence[Base], leg: PathSegment, settings: Settings, report: Report = silent
) -> Solution:
    """Solve a leg's target on its start's base, at one go."""
    began = time.perf_counter()
    task = settings.task(problem, leg.target)
    base = bases[leg.start.base].masked
    with untouched():
        objective = calibration(base).objective(task, penalty_strength(settings.penalty, task), settings.seed)
        (start,) = secant_predictor(problem, objective, [leg])
        result = minimise(objective, get_solver(settings.solver, task), start, report)
    result = replace(result, seconds=time.perf_counter() - began)
    return Solution.of(task, base, result, leg.start.base, leg.start.coefficients)


def _grow(
    problem: Problem, base: Base, here: Solution, settings: Settings, report: Report
) -> tuple[Base, list[Result]]:
    """A new base at a member: its network, pruned and allocated to its own coefficients."""
    masked = base.masked
    member = masked.with_mask(None, False, masked.merge(here.z))
    with untouched():
        grown, results = build_base(member, settings.task(problem, here.coefficients), settings, report)
    return Base(grown, here.coefficients), results
