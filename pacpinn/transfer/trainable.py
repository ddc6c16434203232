"""The free weights of a transfer method as a torch module, for the user's own training loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.transfer.methods import TransferMethod


class Trainable(nn.Module):
    """A network whose only parameter is the vector ``z`` of its free weights: nothing else can move.

    It is a plain module for plain loops, Lightning or skorch: call it, add :meth:`penalty` to the loss, and step any
    optimiser. `since` is the counter of changes of the :class:`~pacpinn.PAC` that made it.

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
        """The method's penalty ``|z - centre|²`` with strength 1, a scalar."""
        centre = self._centre if self._centre.any() else None
        return cast(Tensor, _SquaredDistance.apply(self.z, centre))  # type: ignore[no-untyped-call]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Moves and casts, such as ``to()``, apply to the frozen weights too."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if (self.z.dtype, self.z.device) != (self.masked.weights.dtype, self.masked.weights.device):
            self.masked, self._centre = self.masked.to(self.z.dtype, self.z.device), self._centre.to(self.z)
            self._all = _AllWeights(self.masked)
        return self


class _AllWeights:
    """All weights of a network in one vector, into which the free weights are written before each evaluation.

    :meth:`MaskedNetwork.merge` makes a new vector, which for a large network takes longer than to evaluate the network.
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
        # As with any parameter, autograd refuses a backward pass that needs values from before an optimiser's step. To
        # write the same values again is no such change: `.data` hides it from autograd.
        known, self._version = self._version == z._version, z._version
        pieces = z.detach().split([len(indices) for indices in self.free.values()])
        for (name, indices), piece in zip(self.free.items(), pieces, strict=True):
            tensor = self.tensors[name].data if known else self.tensors[name]
            tensor.view(-1).scatter_(0, indices.long(), piece)


def _narrow(indices: Tensor) -> Tensor:
    """The indices in 32 bits if possible: with 64 they take as much memory as two copies of the free weights."""
    return indices.int() if indices[-1] <= torch.iinfo(torch.int32).max else indices


class _Written(torch.autograd.Function):
    """The tensors with free weights as functions of ``z``; its gradient is gathered at their free entries."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, weights: _AllWeights) -> tuple[Tensor, ...]:
        weights.write(z)
        ctx.indices = list(weights.free.values())
        return tuple(weights.tensors[name].detach() for name in weights.free)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:
        pairs = zip(upstream, ctx.indices, strict=True)
        return torch.cat([gradient.flatten().index_select(0, indices) for gradient, indices in pairs]), None


class _SquaredDistance(torch.autograd.Function):
    """``|z - c|²`` without the intermediate vectors that autograd would keep for a large ``z``."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, centre: Tensor | None) -> Tensor:
        ctx.save_for_backward(z, centre)
        offset = z if centre is None else z - centre
        return offset @ offset

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
        z, centre = ctx.saved_tensors
        return (2 * upstream) * (z if centre is None else z - centre), None
