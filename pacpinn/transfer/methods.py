"""Transfer methods as rows of one table: which weights are free, where they start, what the penalty pulls them to.

=============  ========  ===============  =================  ======================
method         free      frozen values    start              penalty
=============  ========  ===============  =================  ======================
from scratch   all       --               random             |w|²
fine-tuning    all       --               the source's       |w|²
L2-SP          all       --               the source's       |w - the source's|²
last layer     the last  the source's     the source's       |w|²
allocation     kept      zero             the source's       |w - the source's|²
calibration    pruned    the allocated    zero, a neighbour  |w|²
=============  ========  ===============  =================  ======================

A new head (:func:`pacpinn.networks.heads.with_head`), where the source network has one, is free in all methods, starts
at its own values and is pulled to zero. Allocation and calibration are the two halves of PAC-Net (Myung et al. 2022,
eqs. 4 and 6); L2-SP is Li et al. 2018.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pacpinn.networks.heads import last_module
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.solvers.accuracy import solve_to_accuracy
from pacpinn.solvers.base import Report, Result, silent
from pacpinn.solvers.choice import SolverChoice, get_solver
from pacpinn.solvers.memory_estimate import require_memory
from pacpinn.tasks.task import Task


@dataclass(frozen=True)
class TransferMethod:
    """One row of the table, for one network.

    Attributes:
        masked: the network with its free and frozen weights.
        start: free weights to start from, ``(p,)``.
        centre: what the penalty pulls the free weights to, ``(p,)``; or ``()``, the same number for all of them.
    """

    masked: MaskedNetwork
    start: Tensor
    centre: Tensor = field(default_factory=lambda: torch.zeros(()))

    def objective(self, task: Task, penalty: float | None, seed: int = 0) -> Objective:
        """The task's loss and `penalty` times the method's penalty; None for the strength that the task suggests."""
        return Objective(task, self.masked, task.penalty if penalty is None else penalty, self.centre, seed)

    def train(
        self, task: Task, solver: SolverChoice, penalty: float | None, seed: int = 0, report: Report = silent
    ) -> Result:
        """Solve `task` by the method, from its start; arguments as for :meth:`objective` and :func:`minimise`."""
        return minimise(self.objective(task, penalty, seed), solver, self.start, report)


def minimise(objective: Objective, solver: SolverChoice, start: Tensor, report: Report = silent) -> Result:
    """Minimise an objective from `start` ``(p,)`` by the solver of :func:`~pacpinn.solvers.choice.get_solver`.

    A task whose error can be estimated is solved until the estimate is within its tolerance.

    Raises:
        NotEnoughMemory: before any work, if it cannot fit, with the size that would.
    """
    chosen = get_solver(solver, objective.task)
    require_memory(objective, chosen)
    return solve_to_accuracy(objective, chosen, start, report)


def from_scratch(network: nn.Module) -> TransferMethod:
    """Train all weights from the network's own initial values."""
    masked = MaskedNetwork(copy.deepcopy(network))
    return TransferMethod(masked, masked.start)


def fine_tuning(source: MaskedNetwork, start: Tensor | None = None) -> TransferMethod:
    """Train all weights, starting at the source's or at `start` ``(P,)``."""
    masked = source.with_mask(None, frozen_buffers=False)
    return TransferMethod(masked, masked.start if start is None else start)


def l2_sp(source: MaskedNetwork) -> TransferMethod:
    """Train all weights, starting at the source's and held near them; a new head is pulled to zero."""
    masked = source.with_mask(None, frozen_buffers=False)
    return TransferMethod(masked, masked.start, torch.where(source.own, 0.0, masked.start))


def last_layer(source: MaskedNetwork) -> TransferMethod:
    """Train the last layer alone, or the new head. For a linear equation this is a linear least-squares problem."""
    free = source.own
    if not free.any():
        last = last_module(source.network)
        masks = {name: name.rpartition(".")[0] == last for name in source.shapes}
        free = torch.cat([torch.full(shape, masks[name]).flatten() for name, shape in source.shapes.items()])
    masked = source.with_mask(free.to(source.free), frozen_buffers=True)
    return TransferMethod(masked, masked.start)


def allocation(source: MaskedNetwork, kept: Tensor) -> TransferMethod:
    """Train the kept weights on the source again, held near the source's values; the pruned weights are zero."""
    weights = torch.where(kept, source.weights, 0.0)  # a product would leave negative zeros
    masked = source.with_mask(kept, frozen_buffers=False, weights=weights)
    return TransferMethod(masked, masked.start, masked.start)


def calibration(base: MaskedNetwork, start: Tensor | None = None) -> TransferMethod:
    """Train the pruned weights on a target, all else frozen, starting at zero or at a neighbour's `start` ``(p,)``."""
    return TransferMethod(base, base.start if start is None else start)
