"""Predictor and corrector of the continuation; the corrector calibrates to one target, or to several in a batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from pacpinn.continuation.family_methods import FAMILY_METHODS
from pacpinn.continuation.settings import Settings, StepContext
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.equations.equation_batch import EquationBatch, batch_of
from pacpinn.equations.equation_task import EquationTask
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.accuracy import first_goal, to_accuracy
from pacpinn.solvers.base import Report, Result, Status, silent
from pacpinn.solvers.choice import get_solver
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.solvers.memory_estimate import require_memory
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.task import Task
from pacpinn.transfer.finite_start import has_finite_residuals
from pacpinn.transfer.methods import calibration, minimise

log = logging.getLogger(__name__)

_LARGEST_BATCH = 256  # targets, on an accelerator
_MEMORY_SHARE = 0.25  # of an accelerator's memory, for the Jacobian: the solver holds a few copies of it


class PathSegment(NamedTuple):
    """A straight path through coefficient space, from a solved member to a target.

    If there is another member `before`, near the start, the line through both is the secant. The bases `grown` exist
    already, besides those of the :class:`StepContext`.
    """

    start: SolutionOnBase
    target: Coefficients
    before: SolutionOnBase | None = None
    grown: tuple[Base, ...] = ()


def secant_predictor(problem: Problem, objective: Objective, segments: Sequence[PathSegment]) -> Tensor:
    """Weights ``(targets, p)`` to start from: on each segment's secant if the loss is smaller there, else its start's.

    The weights also drift along directions that do not change the solution; the secant then misses the target.
    """
    starts = torch.stack([each.start.solution.z for each in segments])
    on_secants = torch.stack([_on_secant(problem, each) for each in segments])
    if objective.tolerance is None or torch.equal(on_secants, starts):
        return starts
    losses = [objective.linearise(z).residuals.square().sum(-1) for z in (starts, on_secants)]
    return torch.where((losses[1] < losses[0])[:, None], on_secants, starts)


def _on_secant(problem: Problem, segment: PathSegment) -> Tensor:
    """The secant at the target; the start's weights if there is no secant."""
    start, before, z = segment.start, segment.before, segment.start.solution.z
    if before is None or before.base != start.base:  # weights of different bases cannot be joined by a line
        return z
    return z + problem.space.beyond(before.coefficients, start.coefficients, segment.target) * (z - before.solution.z)


def calibration_objective(task: Task, base: MaskedNetwork, settings: Settings) -> Objective:
    """The loss of `task`, one target or several, over a base's free weights, with a penalty that pulls them to zero."""
    return calibration(base).objective(task, settings.penalty, settings.seed)


def calibrate(context: StepContext, segment: PathSegment, report: Report = silent) -> SolutionOnBase:
    """Solve a segment's target on its start's base in one step, without step control."""
    began = time.perf_counter()
    task, base = context.task(segment.target), segment.start.base
    with untouched():
        goal = first_goal(task, segment.start.solution.error_per_residual)
        objective = replace(calibration_objective(task, base.masked, context.settings), goal=goal)
        (z,) = secant_predictor(context.problem, objective, [segment])
        if has_finite_residuals(base.masked, z, task):
            result = minimise(objective, context.settings.solver, z, report)
        else:  # a shorter step may stay where the equation has a meaning
            result = Result(z, Status.DIVERGED, steps=0, seconds=0.0)
    seconds = time.perf_counter() - began
    return SolutionOnBase.of(task, base, replace(result, seconds=seconds), segment.start.coefficients)


def calibrate_together(
    context: StepContext, segments: Sequence[PathSegment], report: Report = silent
) -> list[SolutionOnBase]:
    """Calibrate to several targets at once from members on one base; each target's steps are those it takes alone.

    The first rounds of :func:`~pacpinn.solvers.accuracy.solve_to_accuracy` are one batch, with one goal, by the start
    of the first target; each target by itself goes on from there, if it must.
    """
    began = time.perf_counter()
    base = segments[0].start.base
    tasks = [context.task(each.target) for each in segments]
    batch = EquationBatch([task for task in tasks if isinstance(task, EquationTask)])
    solver = get_solver(context.settings.solver, batch)
    assert isinstance(solver, LevenbergMarquardt)
    with untouched():
        goal = first_goal(tasks[0], segments[0].start.solution.error_per_residual)
        objective = replace(calibration_objective(batch, base.masked, context.settings), goal=goal)
        require_memory(objective, solver)
        firsts = solver.solve(objective, secant_predictor(context.problem, objective, segments), report)
        alone = [calibration_objective(task, base.masked, context.settings) for task in tasks]
        objectives = [replace(each, goal=goal) for each in alone]
        results = [to_accuracy(own, solver, first, report) for own, first in zip(objectives, firsts, strict=True)]
    seconds = (time.perf_counter() - began) / len(segments)
    return [
        SolutionOnBase.of(task, base, replace(result, seconds=seconds), segment.start.coefficients)
        for task, result, segment in zip(tasks, results, segments, strict=True)
    ]


def batch_size(context: StepContext, two: Sequence[Coefficients]) -> int:
    """How many targets to solve at once: as the settings say, or by the size of the system and the device.

    On a processor one at a time: one target keeps its cores busy, and along a chain each target starts nearer to its
    solution than in a batch. On an accelerator as many as fit into its memory, up to a limit. Also one at a time if the
    problem is no equation, if its formulas do not take columns of coefficients (tested at the coefficients `two`), or
    if the solver solves one target at a time.
    """
    settings = context.settings
    by_themselves = FAMILY_METHODS[settings.method].solve_target is not None
    tasks = [context.task(c) for c in two]
    if by_themselves or settings.batch == 1 or (settings.batch is None and tasks[0].device.type != "cuda"):
        return 1
    if isinstance(get_solver(settings.solver, tasks[0]), LevenbergMarquardt) and batch_of(tasks):
        return settings.batch or _batch_that_fits(tasks[0], context.bases[0])
    if settings.batch is not None:
        log.warning("%s cannot be solved in batches: its targets are solved one by one", context.problem.name)
    return 1


def _batch_that_fits(task: Task, base: Base) -> int:
    assert isinstance(task, EquationTask)
    entries = _MEMORY_SHARE * torch.cuda.get_device_properties(task.device).total_memory / 8  # in double precision
    return max(1, min(_LARGEST_BATCH, int(entries / (len(task.everything().x) * len(base.masked.start)))))
