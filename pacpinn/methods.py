"""Transfer methods as rows of one table: which weights are free, where they start, what the penalty pulls to.

=============  ==========  ===============  =================  =======================
method         free        frozen values    start              penalty's centre
=============  ==========  ===============  =================  =======================
from scratch   all         --               random             zero
fine-tuning    all         --               the source's       zero
L2-SP          all         --               the source's       the source's
allocation     kept        zero             the source's       the source's
calibration    pruned      the allocated    zero, a neighbour  zero
=============  ==========  ===============  =================  =======================

Allocation and calibration are the two halves of PAC-Net (Myung et al. 2022, eqs. 4 and 6); L2-SP is Li et al. 2018.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pacpinn.masked import MaskedNetwork
from pacpinn.objective import Objective
from pacpinn.solvers import Report, Result, Solver, silent
from pacpinn.solvers.footprint import require_memory
from pacpinn.task import Task


@dataclass(frozen=True)
class Method:
    """One row of the table, for one network.

    Attributes:
        masked: the network with its free and frozen weights.
        start: free weights to start from, ``(p,)``.
        centre: what the penalty pulls the free weights to, ``(p,)``.
    """

    masked: MaskedNetwork
    start: Tensor
    centre: Tensor

    def objective(self, task: Task, penalty: float, seed: int = 0) -> Objective:
        """What a solver is to minimise: the task's loss plus ``penalty * |z - centre|^2``."""
        return Objective(task, self.masked, penalty, self.centre, seed)

    def train(self, task: Task, solver: Solver, penalty: float, seed: int = 0, report: Report = silent) -> Result:
        """Solve `task` by the method, from its start; raises as :func:`minimise`."""
        return minimise(self.objective(task, penalty, seed), solver, self.start, report)


def minimise(objective: Objective, solver: Solver, start: Tensor, report: Report = silent) -> Result:
    """Minimise an objective from `start` ``(p,)``.

    Raises:
        NotEnoughMemory: before any work, if it cannot fit, with the size that would.
    """
    require_memory(objective, solver)
    return solver(objective, start, report)


def from_scratch(network: nn.Module) -> Method:
    """Train all weights from the network's own initial values."""
    masked = MaskedNetwork(copy.deepcopy(network))
    return Method(masked, masked.start, torch.zeros_like(masked.start))


def fine_tuning(source: MaskedNetwork, start: Tensor | None = None) -> Method:
    """Train all weights, starting at the source's or at `start` ``(P,)``."""
    masked = source.with_mask(torch.ones_like(source.free), frozen_buffers=False)
    return Method(masked, masked.start if start is None else start, torch.zeros_like(masked.start))


def l2_sp(source: MaskedNetwork) -> Method:
    """Train all weights, starting at the source's and held near them."""
    masked = source.with_mask(torch.ones_like(source.free), frozen_buffers=False)
    return Method(masked, masked.start, masked.start)


def allocation(source: MaskedNetwork, kept: Tensor) -> Method:
    """Train the kept weights on the source again, the pruned ones at zero, held near the source's values."""
    weights = torch.where(kept, source.weights, 0.0)  # a product would leave zeros with a sign
    masked = source.with_mask(kept, frozen_buffers=False, weights=weights)
    return Method(masked, masked.start, masked.start)


def calibration(base: MaskedNetwork, start: Tensor | None = None) -> Method:
    """Train the pruned weights on a target, all else frozen, starting at zero or at a neighbour's `start` ``(p,)``."""
    zero = torch.zeros_like(base.start)
    return Method(base, zero if start is None else start, zero)
