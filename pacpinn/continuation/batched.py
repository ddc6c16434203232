"""Many targets in one batch: the first try at those whose parents are solved."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from pacpinn.continuation.family_methods import BASELINES
from pacpinn.continuation.predictor import PathSegment, secant_predictor
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.equations.equation_batch import EquationBatch, batch_of
from pacpinn.equations.equation_task import EquationTask
from pacpinn.networks.objective import Objective
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Report, silent
from pacpinn.solvers.choice import get_solver
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.solvers.memory_estimate import require_memory
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.transfer.methods import penalty_strength

log = logging.getLogger(__name__)

_ON_ACCELERATOR = 256  # targets
_MEMORY_SHARE = 0.25  # of an accelerator's memory, for the Jacobian, which has some copies


def batch_size(problem: Problem, two: Sequence[Coefficients], base: Base, settings: Settings) -> int:
    """How many targets to solve at once: as the settings say, or by the size of the system and the device.

    On a processor one at a time: its cores are busy with one target already, and along a chain each starts nearer to
    its solution than in a wavefront. On an accelerator as many as its memory holds, to a limit.

    One if the problem is no equation, its formulas do not take columns of coefficients, which is tried out at `two` of
    its members, or the solver solves one target at a time.
    """
    task, other = (settings.task(problem, c) for c in two)
    if settings.batch == 1 or settings.method in BASELINES or (settings.batch is None and task.device.type != "cuda"):
        return 1
    together = isinstance(get_solver(settings.solver, task), LevenbergMarquardt) and batch_of([task, other])
    if not together or not isinstance(task, EquationTask):
        if settings.batch is not None:
            log.warning("%s cannot be solved in batches: its targets are solved one by one", problem.name)
        return 1
    if settings.batch is not None:
        return settings.batch
    entries = _MEMORY_SHARE * torch.cuda.get_device_properties(task.device).total_memory / 8
    return max(1, min(_ON_ACCELERATOR, int(entries / (len(task.everything().x) * len(base.masked.start)))))


def calibrate_together(
    problem: Problem, base: Base, legs: Sequence[PathSegment], settings: Settings, report: Report = silent
) -> list[Solution]:
    """Calibrate to several targets from members on one base, each as by itself to solver tolerance.

    A target that does not converge is not tried again here: `continuation.advance` has shorter steps and new bases.
    """
    began = time.perf_counter()
    tasks = [settings.task(problem, leg.target) for leg in legs]
    batch = EquationBatch([task for task in tasks if isinstance(task, EquationTask)])
    solver = get_solver(settings.solver, batch)
    assert isinstance(solver, LevenbergMarquardt)
    with untouched():
        objective = Objective(batch, base.masked, penalty_strength(settings.penalty, tasks[0]))
        require_memory(objective, solver)
        results = solver.solve(objective, secant_predictor(problem, objective, legs), report)
    seconds = (time.perf_counter() - began) / len(legs)
    return [
        Solution.of(task, base.masked, replace(result, seconds=seconds), leg.start.base, leg.start.coefficients)
        for task, result, leg in zip(tasks, results, legs, strict=True)
    ]
