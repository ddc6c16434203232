"""Transfer methods that PAC is compared with in the paper's experiments: DELTA, BSS and LoRA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from pacpinn.networks.heads import last_module
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.transfer.methods import TransferMethod, fine_tuning
from paper.feature_penalties import BatchSpectralShrinkage, Delta
from paper.lora import adapted


def delta(source: MaskedNetwork, attention: Mapping[str, Tensor]) -> TransferMethod:
    """Train all weights, starting at the source's, hidden features held near the source's.

    Args:
        source: the source network, with a new head if it needs one.
        attention: weights of the channels of some layers, from :func:`paper.feature_penalties.channel_attention`.
    """
    pattern = fine_tuning(source).masked
    return replace(fine_tuning(source), features=Delta(pattern, attention, source.own))


def bss(source: MaskedNetwork, k: int = 1) -> TransferMethod:
    """Train all weights, starting at the source's, the last features' `k` smallest singular values held down."""
    return replace(fine_tuning(source), features=BatchSpectralShrinkage(last_module(source.network), k))


def lora(source: MaskedNetwork, rank: int = 4, seed: int = 0) -> TransferMethod:
    """Train low-rank additions to the source's matrices, which stay as they are."""
    masked = adapted(source, rank, seed=seed)
    return TransferMethod(masked, masked.start)
