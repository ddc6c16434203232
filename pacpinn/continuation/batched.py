"""Calibration of several targets in one batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from pacpinn.continuation.calibration import calibration_objective
from pacpinn.continuation.family_methods import FAMILY_METHODS
from pacpinn.continuation.predictor import PathSegment, secant_predictor
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.equations.equation_batch import EquationBatch, batch_of
from pacpinn.equations.equation_task import EquationTask
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Report, silent
from pacpinn.solvers.choice import get_solver
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.solvers.memory_estimate import require_memory
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.task import Task

log = logging.getLogger(__name__)

_LARGEST_BATCH = 256  # targets, on an accelerator
_MEMORY_SHARE = 0.25  # of an accelerator's memory, for the Jacobian: the solver holds a few copies of it


def batch_size(problem: Problem, two: Sequence[Coefficients], base: Base, settings: Settings) -> int:
    """How many targets to solve at once: as the settings say, or by the size of the system and the device.

    On a processor one at a time: one target keeps its cores busy, and along a chain each target starts nearer to its
    solution than in a batch. On an accelerator as many as fit into its memory, up to a limit.

    Targets are solved one at a time, too, if the problem is no equation, if its formulas do not take columns of
    coefficients (tested at the coefficients `two`), or if the solver solves one target at a time.
    """
    by_themselves = FAMILY_METHODS[settings.method].solve_target is not None
    tasks = [settings.task(problem, c) for c in two]
    if by_themselves or settings.batch == 1 or (settings.batch is None and tasks[0].device.type != "cuda"):
        return 1
    if isinstance(get_solver(settings.solver, tasks[0]), LevenbergMarquardt) and batch_of(tasks):
        return settings.batch or _batch_that_fits(tasks[0], base)
    if settings.batch is not None:
        log.warning("%s cannot be solved in batches: its targets are solved one by one", problem.name)
    return 1


def _batch_that_fits(task: Task, base: Base) -> int:
    """The number of targets whose Jacobians, in double precision, take their share of an accelerator's memory."""
    assert isinstance(task, EquationTask)
    entries = _MEMORY_SHARE * torch.cuda.get_device_properties(task.device).total_memory / 8
    return max(1, min(_LARGEST_BATCH, int(entries / (len(task.everything().x) * len(base.masked.start)))))


def calibrate_together(
    problem: Problem, segments: Sequence[PathSegment], settings: Settings, report: Report = silent
) -> list[SolutionOnBase]:
    """Calibrate to several targets at once from members on one base; the steps of each are those that it takes alone.

    A target that does not converge is not tried again here: :func:`~pacpinn.continuation.step_control.continue_to` has
    shorter steps and new bases.
    """
    began = time.perf_counter()
    base = segments[0].start.base
    tasks = [settings.task(problem, each.target) for each in segments]
    batch = EquationBatch([task for task in tasks if isinstance(task, EquationTask)])
    solver = get_solver(settings.solver, batch)
    assert isinstance(solver, LevenbergMarquardt)
    with untouched():
        objective = calibration_objective(batch, base.masked, settings)
        require_memory(objective, solver)
        results = solver.solve(objective, secant_predictor(problem, objective, segments), report)
    seconds = (time.perf_counter() - began) / len(segments)
    return [
        SolutionOnBase.of(task, base, replace(result, seconds=seconds), segment.start.coefficients)
        for task, result, segment in zip(tasks, results, segments, strict=True)
    ]
