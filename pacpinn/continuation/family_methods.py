"""How a transfer method makes a family's base of a trained network: which weights stay, which are free for targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.errors import PacpinnError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Report, Result, Status
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.task import Task
from pacpinn.transfer.allocation import allocate
from pacpinn.transfer.from_scratch import cold_start
from pacpinn.transfer.methods import last_layer
from pacpinn.transfer.pruning import kept_weights

BuiltBase = tuple[MaskedNetwork, list[Result]]


def build_base(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> BuiltBase:
    """A base by the method that the settings name.

    Args:
        source: a network trained on `task`, all of its weights free.
        task: the source, or where a further base is to be.
        settings: the method, and what belongs to it.
        report: called with step and loss.

    Returns:
        The base, its free weights at the values at which it solves `task`, and what solving it took.
    """
    return METHODS[settings.method](source, task, settings, report)


def prune_and_allocate(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> BuiltBase:
    """PAC: the kept weights hold the source, the others are free (Myung et al. 2022)."""
    kept = kept_weights(source, settings.keep, settings.criterion, settings.always_kept, settings.always_free, task)
    base, result = allocate(source, kept, task, settings.solver, settings.penalty, settings.seed, report)
    return base, [result]


def free_everything(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> BuiltBase:
    """Fine-tuning: every target has all weights of its own; only buffers stay the source's."""
    return source.with_mask(None, True), []


def free_last_layer(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> BuiltBase:
    """Last layer: its tensors alone are free, so that a linear equation is a linear least-squares problem."""
    return last_layer(source).masked, []


def start_afresh(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> BuiltBase:
    """From scratch: every target has all weights of its own, and nothing of the source.

    Raises:
        PacpinnError: if the network has buffers, such as statistics of batch normalisation: those are the source's.
    """
    buffers = [name for name, _ in source.network.named_buffers()]
    if buffers:
        raise PacpinnError(
            f"the network has buffers ({', '.join(buffers)}), which a family keeps once for all of its members; train "
            "each target from scratch by itself, as with pacpinn.PAC(network).fit(target)"
        )
    return source.with_mask(None, True), []


def free_nothing(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> BuiltBase:
    """Parametric: one network solves all targets."""
    return source.with_mask(torch.zeros_like(source.free), True), []


METHODS: dict[str, Callable[[MaskedNetwork, Task, Settings, Report], BuiltBase]] = {
    "pac": prune_and_allocate,
    "fine-tuning": free_everything,
    "last-layer": free_last_layer,
    "from-scratch": start_afresh,
    "parametric": free_nothing,
}


def train_from_scratch(
    problem: Problem, bases: Sequence[Base], target: Coefficients, settings: Settings, report: Report
) -> Solution:
    """Train a fresh network on the target."""
    task = settings.task(problem, target)
    network = problem.initial_network(settings.seed).to(device=task.device, dtype=task.dtype)
    with untouched():
        masked, result = cold_start(network, task, settings.solver, settings.seed, report)
    return Solution.of(task, bases[0].masked, replace(result, z=masked.start), base=0, parent=None)


def evaluate_parametric(
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


BASELINES: dict[str, Callable[[Problem, Sequence[Base], Coefficients, Settings, Report], Solution]] = {
    "from-scratch": train_from_scratch,
    "parametric": evaluate_parametric,
}
