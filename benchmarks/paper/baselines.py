"""Transfer methods that PAC is compared with in the paper's experiments.

=======  ========  ===============  ============  ============================
method   free      frozen values    start         penalty
=======  ========  ===============  ============  ============================
DELTA    all       --               the source's  distance of hidden features
BSS      all       --               the source's  smallest singular values
LoRA     adapters  the source's     the source    |w|²
=======  ========  ===============  ============  ============================

DELTA is Li et al. 2019, BSS Chen et al. 2019, LoRA Hu et al. 2022. The table of :mod:`pacpinn.transfer.methods` has the
others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from pacpinn.networks.heads import last_module
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.tasks.task import Task
from pacpinn.transfer.methods import TransferMethod, fine_tuning
from paper.feature_penalties import BatchSpectralShrinkage, Delta, FeatureObjective, FeaturePenalty
from paper.lora import adapted


@dataclass(frozen=True)
class FeatureMethod(TransferMethod):
    """A transfer method with a penalty on hidden features in place of the weights."""

    features: FeaturePenalty = field(kw_only=True)

    def objective(self, task: Task, penalty: float, seed: int = 0) -> FeatureObjective:
        return FeatureObjective(task, self.masked, penalty, self.centre, seed, features=self.features)


def delta(source: MaskedNetwork, attention: Mapping[str, Tensor]) -> TransferMethod:
    """Train all weights, starting at the source's, with hidden features held near the source's.

    Args:
        source: the source network, with a new head if it needs one.
        attention: weights of the channels of some layers, from :func:`paper.feature_penalties.channel_attention`.
    """
    return _all_free(source, Delta(fine_tuning(source).masked, attention, source.own))


def bss(source: MaskedNetwork, k: int = 1) -> TransferMethod:
    """Train all weights, starting at the source's, with the last features' `k` smallest singular values held down."""
    return _all_free(source, BatchSpectralShrinkage(last_module(source.network), k))


def lora(source: MaskedNetwork, rank: int = 4, seed: int = 0) -> TransferMethod:
    """Train low-rank additions to the source's matrices; the matrices stay as they are."""
    masked = adapted(source, rank, seed=seed)
    return TransferMethod(masked, masked.start)


def _all_free(source: MaskedNetwork, features: FeaturePenalty) -> FeatureMethod:
    tuned = fine_tuning(source)
    return FeatureMethod(tuned.masked, tuned.start, features=features)
