"""Calibration on a base: only the base's free weights are trained, on a target near a solved member."""

from __future__ import annotations

import time
from dataclasses import replace

from torch import Tensor

from pacpinn.continuation.predictor import PathSegment, secant_predictor
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import SolutionOnBase
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Report, Result, silent
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.task import Task
from pacpinn.transfer.methods import calibration, minimise


def calibrate(problem: Problem, segment: PathSegment, settings: Settings, report: Report = silent) -> SolutionOnBase:
    """Solve a segment's target on its start's base in one step, without step control."""
    began = time.perf_counter()
    task, base = settings.task(problem, segment.target), segment.start.base
    with untouched():
        objective = calibration_objective(task, base.masked, settings)
        (z,) = secant_predictor(problem, objective, [segment])
        result = solve_calibration(objective, settings, z, report)
    result = replace(result, seconds=time.perf_counter() - began)
    return SolutionOnBase.of(task, base, result, segment.start.coefficients)


def calibration_objective(task: Task, base: MaskedNetwork, settings: Settings) -> Objective:
    """The loss of `task`, one target or several, over a base's free weights, with a penalty that pulls them to zero."""
    return calibration(base).objective(task, settings.penalty, settings.seed)


def solve_calibration(objective: Objective, settings: Settings, start: Tensor, report: Report = silent) -> Result:
    """Minimise a calibration's objective from `start` ``(p,)`` with the solver of the settings.

    Raises:
        NotEnoughMemory: before any work, if it cannot fit.
    """
    return minimise(objective, settings.solver, start, report)
