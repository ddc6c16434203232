"""Variants of PAC, developed on the open tasks and tested once on the held-out tasks."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.base import silent
from pacpinn.transfer.allocation import allocate_gradually
from pacpinn.transfer.methods import TransferMethod
from pacpinn.transfer.pruning import gauss_newton_diagonal
from paper.ways import KEEPS, Beginning, Calibration, Setting, Sources, Way, published

ROUNDS = 4
FLOOR = 0.1  # of the mean: the least share of a weight in the metric


class Coordinates(nn.Module):
    """A network each of whose weights is a coordinate over its scale."""

    def __init__(self, plain: nn.Module, scales: dict[str, Tensor]) -> None:
        super().__init__()
        self.plain, self.scales = plain, scales
        for name, weight in plain.named_parameters():
            if name in scales:
                weight.data *= scales[name]

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = functional_call(self.plain, self.weights(), (x,))
        return answer

    def weights(self) -> dict[str, Tensor]:
        return {name: attrgetter(name)(self.plain) / scale for name, scale in self.scales.items()}


class InMetric(MaskedNetwork):
    """A network whose weights are coordinates in which a metric is the identity; its modules have plain weights."""

    def module(self, z: Tensor) -> nn.Module:
        network = super().module(z)
        assert isinstance(network, Coordinates)
        with torch.no_grad():
            for name, weight in network.weights().items():
                network.plain.get_parameter(name).copy_(weight)
        return network.plain


def in_metric(masked: MaskedNetwork, scales: Tensor) -> InMetric:
    """The network with each weight times its scale in `scales` ``(P,)`` as coordinates."""
    network = Coordinates(masked.module(masked.start), dict(masked.by_name(scales)))
    return InMetric(network, free=masked.free, frozen_buffers=masked.frozen_buffers, own=masked.own)


@dataclass(frozen=True)
class InSourcesMetric(Calibration):
    """PAC whose calibration penalty measures the change of the source's residuals: ``zᵀ diag(JᵀJ) z``."""

    @classmethod
    def of(cls, *given: Any) -> InSourcesMetric:
        way = super().of(*given)

        def begin(here: Beginning, setting: Setting) -> TransferMethod:
            base = here.sources.base(setting.size or 0.0, way.founding)
            headed = here.headed(base)
            masked = in_metric(headed, scales(base, headed, here))
            return TransferMethod(masked, masked.start)

        return cls(begin, way.sizes, way.keeps_source, way.founding)


def scales(base: MaskedNetwork, headed: MaskedNetwork, here: Beginning) -> Tensor:
    """Roots of the source's Gauss-Newton diagonal over its mean, for the free weights.

    1 for frozen weights, which stay the same to the last bit, and for a new head, which the source does not have.
    """
    diagonal = gauss_newton_diagonal(base, here.sources.task)
    relative = base.by_name(diagonal / diagonal[base.free].mean() + FLOOR)
    whole = {
        name: relative[name] if name in relative and not own.any() else torch.ones_like(own, dtype=torch.float64)
        for name, own in headed.by_name(headed.own).items()
    }
    joined = torch.cat([each.flatten() for each in whole.values()])
    return joined.where(headed.free, 1.0).sqrt().to(headed.weights)


def gradual(sources: Sources, keep: float) -> MaskedNetwork:
    """Pruned and allocated in rounds."""
    return allocate_gradually(sources.fitted, keep, ROUNDS, "global", sources.task, None, None, sources.seed, silent)


VARIANTS: dict[str, Way] = {
    "PAC, gradual": Calibration.of(gradual, (0.1, 0.3)),
    "PAC, metric": InSourcesMetric.of(published, KEEPS),
}
