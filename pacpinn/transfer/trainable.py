"""The free weights of a transfer method as a torch module, for training loops of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.transfer.methods import TransferMethod


class Trainable(nn.Module):
    """A network whose only parameter is the vector ``z`` of its free weights: nothing else can move.

    A plain module for plain loops, Lightning or skorch: call it, add :meth:`penalty` to the loss, step any optimiser.

    Args:
        method: what is free, where it starts, what it is pulled to.
        since: the state of the :class:`~pacpinn.PAC` that it came from.

    Example:
        >>> target = pac.to_calibrate()
        >>> optimizer = torch.optim.Adam(target.parameters())
        >>> for x, y in loader:
        ...     optimizer.zero_grad()
        ...     (criterion(target(x), y) + 1e-4 * target.penalty()).backward()
        ...     optimizer.step()
        >>> pac.adopt(target, "new data")
    """

    def __init__(self, method: TransferMethod, since: int = 0) -> None:
        super().__init__()
        self.masked, self.since = method.masked, since
        self.z = nn.Parameter(method.start.clone())
        self._centre = method.centre.to(self.z)
        self._all = _AllWeights(method.masked)

    def forward(self, *inputs: Any, **options: Any) -> Tensor:
        return self.masked.evaluate(self._all.with_free(self.z), *inputs, training=self.training, **options)

    def penalty(self) -> Tensor:
        """The method's penalty ``|z - centre|²``, of strength 1: a scalar."""
        distance: Tensor = _SquaredDistance.apply(  # type: ignore[no-untyped-call]
            self.z, self._centre if self._centre.any() else None
        )
        return distance

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Moves and casts, as by ``to()``, take the frozen weights along."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if (self.z.dtype, self.z.device) != (self.masked.weights.dtype, self.masked.weights.device):
            self.masked, self._centre = self.masked.to(self.z.dtype, self.z.device), self._centre.to(self.z)
            self._all = _AllWeights(self.masked)
        return self


class _AllWeights:
    """All weights of a network in one piece of memory, into which the free ones are written before each evaluation.

    :meth:`MaskedNetwork.merge` makes a new vector each time, which lets many live side by side; a large network spends
    more time on getting that memory than on its evaluation.
    """

    def __init__(self, masked: MaskedNetwork) -> None:
        self.tensors = masked.by_name(masked.weights.clone())
        masks = {name: mask.flatten() for name, mask in masked.by_name(masked.free).items() if mask.any()}
        self.free = {name: _narrow(mask.nonzero()[:, 0]) for name, mask in masks.items()}
        self._version: int | None = None

    def with_free(self, z: Tensor) -> dict[str, Tensor]:
        """All weights by name, the free ones as in `z` ``(p,)``, to which gradients flow."""
        written = _Written.apply(z, self)  # type: ignore[no-untyped-call]
        return self.tensors | dict(zip(self.free, written, strict=True))

    def write(self, z: Tensor) -> None:
        """Set the free weights.

        As with any parameter, a backward pass that needs values from before a step is an error of autograd's; writing
        the same once more is none, which `.data` hides from it.
        """
        known, self._version = self._version == z._version, z._version
        pieces = z.detach().split([len(places) for places in self.free.values()])
        for (name, places), piece in zip(self.free.items(), pieces, strict=True):
            tensor = self.tensors[name].data if known else self.tensors[name]
            tensor.view(-1).scatter_(0, places.long(), piece)


def _narrow(places: Tensor) -> Tensor:
    """Places in 32 bits where these suffice: of a large network they weigh as much as a copy of its free weights."""
    return places.int() if places[-1] <= torch.iinfo(torch.int32).max else places


class _Written(torch.autograd.Function):
    """The tensors with free weights as functions of ``z``: gradients are those at the free places."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, weights: _AllWeights) -> tuple[Tensor, ...]:
        weights.write(z)
        ctx.places = list(weights.free.values())
        return tuple(weights.tensors[name].detach() for name in weights.free)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:
        pairs = zip(upstream, ctx.places, strict=True)
        return torch.cat([each.flatten().index_select(0, places) for each, places in pairs]), None


class _SquaredDistance(torch.autograd.Function):
    """``|z - c|²`` without the vectors in between that autograd would make of a large ``z``."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, centre: Tensor | None) -> Tensor:
        ctx.save_for_backward(z, centre)
        off = z if centre is None else z - centre
        return off @ off

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
        z, centre = ctx.saved_tensors
        return (2 * upstream) * (z if centre is None else z - centre), None
