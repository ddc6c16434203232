"""Penalties on what a network's hidden layers answer, in place of its weights: DELTA and BSS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

WHOLE = ""  # the name of the network itself among its modules


class Seen(NamedTuple):
    """What a module was given and what it answered, when the network was last evaluated."""

    inputs: Tensor
    outputs: Tensor


class FeaturePenalty(Protocol):
    """A penalty that looks at hidden features while the loss is computed.

    Attributes:
        places: names of the modules that it looks at.
    """

    @property
    def places(self) -> Sequence[str]: ...

    def __call__(self, seen: Mapping[str, Seen], z: Tensor) -> Tensor:
        """A scalar, of what was `seen` on one batch at the free weights `z` ``(p,)``."""
        ...


@contextmanager
def observed(network: nn.Module, places: Sequence[str]) -> Iterator[dict[str, Seen]]:
    """A mapping that holds, after an evaluation inside the context, what went into and came out of some modules."""
    seen: dict[str, Seen] = {}

    def watch(place: str) -> torch.utils.hooks.RemovableHandle:
        def keep(module: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> None:
            seen[place] = Seen(given[0], answer)

        return network.get_submodule(place).register_forward_hook(keep)

    handles = [watch(place) for place in places]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
