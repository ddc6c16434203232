"""Penalties on the outputs of a network's hidden layers, in place of its weights: DELTA and BSS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pacpinn.errors import SolverError
from pacpinn.networks.heads import last_module
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Linearisation, Objective
from pacpinn.tasks.task import Batch, Task

WHOLE_NETWORK = ""  # its name among its own modules


class Features(NamedTuple):
    """Input and output of a module at the latest evaluation of the network."""

    inputs: Tensor
    outputs: Tensor


@contextmanager
def observed(network: nn.Module, places: Sequence[str]) -> Iterator[dict[str, Features]]:
    """A mapping that holds the features of the modules `places` after each evaluation inside the context."""
    seen: dict[str, Features] = {}

    def watch(place: str) -> torch.utils.hooks.RemovableHandle:
        def keep(module: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> None:
            seen[place] = Features(given[0], answer)

        return network.get_submodule(place).register_forward_hook(keep)

    handles = [watch(place) for place in places]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


class FeaturePenalty(Protocol):
    """A penalty on hidden features, computed together with the loss.

    Attributes:
        places: names of the modules whose features it needs.
    """

    @property
    def places(self) -> Sequence[str]: ...

    def __call__(self, seen: Mapping[str, Features], z: Tensor) -> Tensor:
        """A scalar, from the features `seen` on one batch at the free weights `z` ``(p,)``."""
        ...


@dataclass
class FeatureObjective(Objective):
    """``loss(z) + penalty * features(z)``: an objective with a penalty on hidden features in place of the weights."""

    features: FeaturePenalty = field(kw_only=True)

    def penalised(self, z: Tensor, batch: Batch, training: bool = False) -> Tensor:
        with observed(self.masked.network, self.features.places) as seen:
            loss = self.task.loss(self.forward(z, training), batch)
        return loss + self.penalty * self.features(seen, z)

    def linearise(self, z: Tensor) -> Linearisation:
        raise SolverError(
            f"{type(self.features).__name__} penalises hidden features, which this solver cannot: use 'adam' or 'lbfgs'"
        )


def hidden_places(network: nn.Module) -> list[str]:
    """The names of all layers with matrices or kernels to learn, except the last layer of the network."""
    last = last_module(network)
    weights = {name: getattr(module, "weight", None) for name, module in network.named_modules() if name != last}
    matrices = {name: weight for name, weight in weights.items() if isinstance(weight, Tensor) and weight.ndim > 1}
    return [name for name, matrix in matrices.items() if matrix.requires_grad]


@dataclass(frozen=True)
class Delta:
    """DELTA: hidden features stay near the source's, weighted by channel (Li et al. 2019, eqs. 3 to 6).

    ``mean over rows of Σ_j W_j |F_j(w) - F_j(w_S)|²``, and the squares of a new head's weights.

    Args:
        source: the network whose features are to be kept.
        attention: for each layer the weight of each of its channels ``(channels,)``.
        head: mask ``(p,)`` of those free weights that are a new head's.
    """

    source: MaskedNetwork
    attention: Mapping[str, Tensor]
    head: Tensor

    @property
    def places(self) -> Sequence[str]:
        return [WHOLE_NETWORK, *self.attention]

    def __call__(self, seen: Mapping[str, Features], z: Tensor) -> Tensor:
        x = seen[WHOLE_NETWORK].inputs
        with torch.no_grad(), observed(self.source.network, list(self.attention)) as pattern:
            self.source.forward(self.source.start)(x)
        distances = [
            (weights * _by_channel(seen[place].outputs - pattern[place].outputs).square().sum(-1)).sum() / len(x)
            for place, weights in self.attention.items()
        ]
        return torch.stack(distances).sum() + z[self.head].square().sum()


def channel_attention(masked: MaskedNetwork, z: Tensor, task: Task, places: Sequence[str]) -> dict[str, Tensor]:
    """How much each channel of the layers `places` matters to a task: the softmax of the loss gained without it.

    Args:
        masked, z: the network and its free weights: the source with a last layer trained on the task.
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
    """BSS: a penalty on the smallest singular values of the last features, which transfer least (Chen et al. 2019).

    ``Σ_{i <= k} σ_{-i}²`` of the batch's features ``(rows, features)`` (eq. 7), which are the inputs of the last layer.

    Args:
        head: name of the last layer.
        k: how many singular values.
    """

    head: str
    k: int = 1

    @property
    def places(self) -> Sequence[str]:
        return [self.head]

    def __call__(self, seen: Mapping[str, Features], z: Tensor) -> Tensor:
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
