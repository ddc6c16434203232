"""Rivals whose targets start from no member: from scratch, and the parametric network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pacpinn.coefficient import Coefficients
from pacpinn.cold_start import cold_start
from pacpinn.isolation import untouched
from pacpinn.objective import Objective
from pacpinn.problem import Problem
from pacpinn.settings import Settings
from pacpinn.solution import Base, Solution
from pacpinn.solvers import Report, Result, Status


def from_scratch(
    problem: Problem, bases: Sequence[Base], target: Coefficients, settings: Settings, report: Report
) -> Solution:
    """Train a fresh network on the target."""
    task = settings.task(problem, target)
    network = problem.initial_network(settings.seed).to(device=task.device, dtype=task.dtype)
    with untouched():
        masked, result = cold_start(network, task, settings.solver, settings.seed, report)
    return Solution.of(task, bases[0].masked, replace(result, z=masked.start), base=0, parent=None)


def looked_up(
    problem: Problem, bases: Sequence[Base], target: Coefficients, settings: Settings, report: Report
) -> Solution:
    """Ask the parametric network, which has learnt its whole range, and judge its answer."""
    task, masked = settings.task(problem, target), bases[0].masked
    with untouched():
        loss = float(Objective(task, masked).fresh_misfit(masked.start[None]))
    solved = task.tolerance is None or loss <= task.tolerance**2
    status = Status.CONVERGED if solved else Status.STALLED
    result = Result(masked.start, status, steps=0, seconds=0.0, history=[loss])
    return Solution.of(task, masked, result, base=0, parent=None)


UNAIDED: dict[str, Callable[[Problem, Sequence[Base], Coefficients, Settings, Report], Solution]] = {
    "from-scratch": from_scratch,
    "parametric": looked_up,
}
