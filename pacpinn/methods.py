"""Transfer methods as rows of one table: which weights are free, where they start, what the penalty pulls to.

=============  ==========  ===============  =================  ============================
method         free        frozen values    start              penalty
=============  ==========  ===============  =================  ============================
from scratch   all         --               random             |w|²
fine-tuning    all         --               the source's       |w|²
L2-SP          all         --               the source's       |w - the source's|²
DELTA          all         --               the source's       distance of hidden features
BSS            all         --               the source's       smallest singular values
last layer     the last    the source's     the source's       |w|²
LoRA           adapters    the source's     the source         |w|²
allocation     kept        zero             the source's       |w - the source's|²
calibration    pruned      the allocated    zero, a neighbour  |w|²
=============  ==========  ===============  =================  ============================

A new head (:func:`pacpinn.heads.with_head`), where the source network has one, is free in all of them, starts at its
own values and is pulled to zero. Allocation and calibration are the two halves of PAC-Net (Myung et al. 2022, eqs. 4
and 6); L2-SP is Li et al. 2018, DELTA Li et al. 2019, BSS Chen et al. 2019, LoRA Hu et al. 2022.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pacpinn.adapters import adapted
from pacpinn.feature_penalties import BatchSpectralShrinkage, Delta, FeaturePenalty
from pacpinn.heads import last_module
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
        centre: what the penalty pulls the free weights to, ``(p,)``; or ``()`` for all alike, by default zero.
        features: a penalty on hidden features in place of that.
    """

    masked: MaskedNetwork
    start: Tensor
    centre: Tensor = field(default_factory=lambda: torch.zeros(()))
    features: FeaturePenalty | None = None

    def objective(self, task: Task, penalty: float, seed: int = 0) -> Objective:
        """What a solver is to minimise: the task's loss and `penalty` times the method's own."""
        return Objective(task, self.masked, penalty, self.centre, seed, self.features)

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
    return Method(masked, masked.start)


def fine_tuning(source: MaskedNetwork, start: Tensor | None = None) -> Method:
    """Train all weights, starting at the source's or at `start` ``(P,)``."""
    masked = _all_free(source)
    return Method(masked, masked.start if start is None else start)


def l2_sp(source: MaskedNetwork) -> Method:
    """Train all weights, starting at the source's and held near them."""
    masked = _all_free(source)
    return Method(masked, masked.start, torch.where(source.own, 0.0, masked.start))


def delta(source: MaskedNetwork, attention: Mapping[str, Tensor]) -> Method:
    """Train all weights, starting at the source's, hidden features held near the source's.

    Args:
        source: the source network, with a new head if it needs one.
        attention: weights of the channels of some layers, from :func:`pacpinn.feature_penalties.channel_attention`.
    """
    masked = _all_free(source)
    return Method(masked, masked.start, features=Delta(_all_free(source), attention, source.own))


def bss(source: MaskedNetwork, k: int = 1) -> Method:
    """Train all weights, starting at the source's, the last features' `k` smallest singular values held down."""
    masked = _all_free(source)
    penalty = BatchSpectralShrinkage(last_module(source.network), k)
    return Method(masked, masked.start, features=penalty)


def last_layer(source: MaskedNetwork) -> Method:
    """Train the last layer alone, or the new head; a linear equation is a linear least-squares problem then."""
    free = source.own
    if not free.any():
        last = last_module(source.network)
        masks = {name: name.rpartition(".")[0] == last for name in source.shapes}
        free = torch.cat([torch.full(shape, masks[name]).flatten() for name, shape in source.shapes.items()])
    masked = source.with_mask(free.to(source.free), frozen_buffers=True)
    return Method(masked, masked.start)


def lora(source: MaskedNetwork, rank: int = 4, seed: int = 0) -> Method:
    """Train low-rank additions to the source's matrices, which stay as they are."""
    masked = adapted(source, rank, seed=seed)
    return Method(masked, masked.start)


def allocation(source: MaskedNetwork, kept: Tensor) -> Method:
    """Train the kept weights on the source again, the pruned ones at zero, held near the source's values."""
    weights = torch.where(kept, source.weights, 0.0)  # a product would leave zeros with a sign
    masked = source.with_mask(kept, frozen_buffers=False, weights=weights)
    start = masked.start
    return Method(masked, start, start)


def calibration(base: MaskedNetwork, start: Tensor | None = None) -> Method:
    """Train the pruned weights on a target, all else frozen, starting at zero or at a neighbour's `start` ``(p,)``."""
    return Method(base, base.start if start is None else start)


def _all_free(source: MaskedNetwork) -> MaskedNetwork:
    return source.with_mask(None, frozen_buffers=False)
