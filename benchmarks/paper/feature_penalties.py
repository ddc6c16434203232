"""Penalties on what a network's hidden layers answer, in place of its weights: DELTA and BSS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pacpinn.errors import SolverError
from pacpinn.networks.feature_hooks import WHOLE, Seen, observed
from pacpinn.networks.heads import last_module
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.tasks.task import Task


def hidden_places(network: nn.Module) -> list[str]:
    """The names of all layers with matrices or kernels to learn, but for the last of the network."""
    last = last_module(network)
    weights = {name: getattr(each, "weight", None) for name, each in network.named_modules() if name != last}
    matrices = {name: each for name, each in weights.items() if isinstance(each, Tensor) and each.ndim > 1}
    return [name for name, each in matrices.items() if each.requires_grad]


@dataclass(frozen=True)
class Delta:
    """DELTA: hidden features stay near the source's, some channels more so than others (Li et al. 2019, eqs. 3 to 6).

    ``mean over rows of Σ_j W_j |F_j(w) - F_j(w_S)|²``, and the squares of a new head's weights.

    Args:
        source: the network whose features are the pattern.
        attention: for each layer the weight of each of its channels ``(channels,)``.
        head: mask ``(p,)`` of those free weights that are a new head's.
    """

    source: MaskedNetwork
    attention: Mapping[str, Tensor]
    head: Tensor

    @property
    def places(self) -> Sequence[str]:
        return [WHOLE, *self.attention]

    def __call__(self, seen: Mapping[str, Seen], z: Tensor) -> Tensor:
        x = seen[WHOLE].inputs
        with torch.no_grad(), observed(self.source.network, list(self.attention)) as pattern:
            self.source.forward(self.source.start)(x)
        distances = [
            (weights * _by_channel(seen[place].outputs - pattern[place].outputs).square().sum(-1)).sum() / len(x)
            for place, weights in self.attention.items()
        ]
        return torch.stack(distances).sum() + z[self.head].square().sum()


def channel_attention(masked: MaskedNetwork, z: Tensor, task: Task, places: Sequence[str]) -> dict[str, Tensor]:
    """How much each channel of some layers matters to a task: the softmax of what its loss gains without the channel.

    Args:
        masked, z: the network and its free weights: the source's features below a last layer trained on the task.
        task: the target.
        places: names of the layers.

    Returns:
        For each layer ``(channels,)``, of sum 1 (Li et al. 2019, eq. 6).
    """

    def loss() -> Tensor:
        return task.loss(masked.forward(z), task.everything()).detach()

    def without(place: str, channel: int) -> Tensor:
        def silence(module: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> Tensor:
            return answer.index_fill(1, torch.tensor(channel, device=answer.device), 0.0)

        handle = masked.network.get_submodule(place).register_forward_hook(silence)
        try:
            return loss()
        finally:
            handle.remove()

    whole = loss()
    channels = {place: len(masked.network.get_submodule(place).weight) for place in places}  # type: ignore[arg-type]
    return {
        place: torch.stack([without(place, channel) - whole for channel in range(count)]).softmax(0)
        for place, count in channels.items()
    }


@dataclass(frozen=True)
class BatchSpectralShrinkage:
    """BSS: the smallest singular values of the last features, which transfer least, are held down (Chen et al. 2019).

    ``Σ_{i <= k} σ_{-i}²`` of the batch's features ``(rows, features)`` (eq. 7), as the last layer is given them.

    Args:
        head: name of the last layer.
        k: how many singular values.
    """

    head: str
    k: int = 1

    @property
    def places(self) -> Sequence[str]:
        return [self.head]

    def __call__(self, seen: Mapping[str, Seen], z: Tensor) -> Tensor:
        features = seen[self.head].inputs
        if features.ndim != 2:
            raise SolverError(
                f"BSS needs features of shape (rows, features); {self.head!r} is given {tuple(features.shape)}: choose "
                "another transfer method"
            )
        return torch.linalg.svdvals(features)[-self.k :].square().sum()


def _by_channel(features: Tensor) -> Tensor:
    """``(rows, channels, all else)``."""
    return features.flatten(2) if features.ndim > 2 else features[:, :, None]
