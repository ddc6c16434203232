"""Low-rank adapters (LoRA): a target adds a matrix of low rank to each matrix of the source, which stays as it is."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.func import functional_call

from pacpinn.errors import PruningError
from pacpinn.networks.masked_network import MaskedNetwork


class LowRank(nn.Module):
    """``W + alpha / rank B A`` (Hu et al. 2022) for a matrix W, or a kernel flattened to ``(outputs, all else)``.

    Args:
        weight: W ``(outputs, ...)``.
        rank: of B A; A is drawn as the weights of a linear layer are, B is zero.
        alpha: strength of B A, which is multiplied by alpha / rank.
        generator: draws A.
    """

    def __init__(self, weight: Tensor, rank: int, alpha: float, generator: torch.Generator) -> None:
        super().__init__()
        outputs, inputs = weight.flatten(1).shape
        bound = 1 / math.sqrt(inputs)
        drawn = torch.empty(rank, inputs, dtype=torch.float64).uniform_(-bound, bound, generator=generator)
        self.a = nn.Parameter(drawn.to(weight))
        self.b = nn.Parameter(weight.new_zeros(outputs, rank))
        self.strength = alpha / rank

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.strength * (self.b @ self.a).view_as(weight)


class Adapted(nn.Module):
    """A network with an adapter for each of its matrices.

    Args:
        plain: the network; this module owns it from now on.
        adapters: by the name of the parameter that each is added to.
    """

    def __init__(self, plain: nn.Module, adapters: dict[str, LowRank]) -> None:
        super().__init__()
        self.plain = plain
        self.names = list(adapters)
        self.adapters = nn.ModuleList(adapters.values())

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = functional_call(self.plain, self.sums(), (x,))
        return answer

    def sums(self) -> dict[str, Tensor]:
        """The adapted parameters, by name."""
        return {
            name: adapter(self.plain.get_parameter(name))
            for name, adapter in zip(self.names, self.adapters, strict=True)
        }


class AdaptedNetwork(MaskedNetwork):
    """A network whose adapters are free; :meth:`module` adds them to the weights, under the network's own keys."""

    def module(self, z: Tensor) -> nn.Module:
        adapted = super().module(z)
        assert isinstance(adapted, Adapted)
        with torch.no_grad():
            for name, value in adapted.sums().items():
                adapted.plain.get_parameter(name).copy_(value)
        return adapted.plain


def adapted(source: MaskedNetwork, rank: int = 4, alpha: float | None = None, seed: int = 0) -> AdaptedNetwork:
    """The source with an adapter at every matrix and kernel; all else is frozen, except a new head.

    Args:
        source: the network; weights of a new head (:func:`pacpinn.networks.heads.with_head`) stay free.
        rank: of the adapters; a matrix with a smaller side gets an adapter of that rank.
        alpha: strength of the adapters; by default their rank.
        seed: draws the adapters' first factors.

    Raises:
        PruningError: if all matrices of the network belong to a new head, or it has none, or `rank` is below 1.
    """
    if rank < 1:
        raise PruningError(f"rank={rank}; expected 1 or more")
    network, generator = source.module(source.start), torch.Generator().manual_seed(seed)
    adapters = {}
    for name, own in source.by_name(source.own).items():
        parameter = network.get_parameter(name)
        parameter.requires_grad_(bool(own.all()))
        if parameter.ndim > 1 and not own.all():
            low = min(rank, *parameter.flatten(1).shape)
            adapters[name] = LowRank(parameter.detach(), low, alpha or low, generator)
    if not adapters:
        raise PruningError(
            "the network has no matrix to add an adapter to; expected one or more: choose another method"
        )
    return AdaptedNetwork(Adapted(network, adapters), frozen_buffers=True)
