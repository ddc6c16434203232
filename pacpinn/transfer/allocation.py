"""Allocation: a pruned network is retrained on the source and becomes a base, whose kept weights are frozen."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from pacpinn.errors import NetworkError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.base import Report, Result
from pacpinn.solvers.choice import SolverChoice
from pacpinn.tasks.task import LeastSquaresTask, Task, named_inputs
from pacpinn.transfer.finite_start import finite_start
from pacpinn.transfer.methods import allocation
from pacpinn.transfer.pruning import Criterion, kept_weights


def allocate(
    source: MaskedNetwork,
    kept: Tensor,
    task: Task,
    solver: SolverChoice,
    penalty: float | None,
    seed: int,
    report: Report,
) -> tuple[MaskedNetwork, Result]:
    """Retrain the `kept` weights of a source on `task`, the others at zero; in the base these others are free."""
    method = allocation(source, kept)
    method = replace(method, start=finite_start(method.masked, method.start, task))
    result = method.train(task, solver, penalty, seed, report)
    return frozen_base(method.masked, result.z), result


def allocate_gradually(
    source: MaskedNetwork,
    keep: float,
    rounds: int,
    criterion: str | Criterion,
    task: Task,
    solver: SolverChoice,
    penalty: float | None,
    seed: int,
    report: Report,
) -> MaskedNetwork:
    """Prune and allocate in rounds, each of which keeps the same share of the weights that the round before kept."""
    for turn in range(1, rounds + 1):
        kept = kept_weights(source, keep ** (turn / rounds), criterion, task=task)
        source, _ = allocate(source, kept, task, solver, penalty, seed, report)
    return source


def frozen_base(masked: MaskedNetwork, z: Tensor) -> MaskedNetwork:
    """The base after an allocation that ended at kept weights `z` ``(p,)``: these are frozen, all others free."""
    return masked.with_mask(~masked.free, True, masked.merge(z))


def require_deterministic(masked: MaskedNetwork, task: Task) -> None:
    """Refuse a network whose outputs differ between two evaluations: it could not keep the source exactly."""
    if not isinstance(task, LeastSquaresTask):
        return
    few = task.few(16)
    x = task.inputs(task.everything() if few is None else few)[:16].detach()
    forward = named_inputs(masked.forward(masked.start))
    with torch.no_grad():
        if not torch.equal(forward(x), forward(x)):
            raise NetworkError(
                "the network gives different outputs for the same inputs in evaluation mode; expected a deterministic "
                "network: draw random numbers only if self.training"
            )
