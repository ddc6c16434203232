"""What allocation makes of a pruned network: a base, whose kept weights hold the source for good."""

from __future__ import annotations

import torch
from torch import Tensor

from pacpinn.errors import NetworkError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.base import Report, Result
from pacpinn.solvers.choice import SolverChoice, get_solver
from pacpinn.tasks.task import LeastSquaresTask, Task, named_inputs
from pacpinn.transfer.methods import allocation, penalty_strength
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
    """The source with its `kept` weights retrained alone, the others at zero and free from here on."""
    method = allocation(source, kept)
    result = method.train(task, get_solver(solver, task), penalty_strength(penalty, task), seed, report)
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
    """The source pruned and allocated in rounds, each of which keeps the same share of what the last kept."""
    for each in range(1, rounds + 1):
        kept = kept_weights(source, keep ** (each / rounds), criterion, task=task)
        source, _ = allocate(source, kept, task, solver, penalty, seed, report)
    return source


def frozen_base(masked: MaskedNetwork, z: Tensor) -> MaskedNetwork:
    """The base of an allocation that ends at its kept weights `z` ``(p,)``: they are frozen, all others free."""
    return masked.with_mask(~masked.free, True, masked.merge(z))


def require_deterministic(masked: MaskedNetwork, task: Task) -> None:
    """Refuse a network that answers differently when asked twice: it could not be the same source for ever.

    Raises:
        NetworkError: if it does.
    """
    if isinstance(task, LeastSquaresTask):
        few = task.few(16)
        x = task.inputs(task.everything() if few is None else few)[:16].detach()
        forward = named_inputs(masked.forward(masked.start))
        with torch.no_grad():
            if not torch.equal(forward(x), forward(x)):
                raise NetworkError(
                    "the network answers differently when asked twice in evaluation mode; expected it to be "
                    "deterministic there: draw random numbers only if self.training"
                )
