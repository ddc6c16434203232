"""A network whose rows' gradients can be told apart: the Jacobian of many residuals from one backward pass.

If each residual depends on one row of the inputs, the gradient of their sum is the sum of the Jacobian's rows. It takes
one backward pass, and is kept apart by row in one of two ways.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import vmap
from torch.overrides import TorchFunctionMode

from pacpinn.masked import MaskedNetwork

_TRIED_ROWS = 3


class Rowwise(ABC):
    """A network at free weights `z` ``(p,)``, as a function of `rows` inputs.

    Args:
        masked: the network.
        z: its free weights.
        rows: number of rows that :meth:`forward` will be given.
    """

    def __init__(self, masked: MaskedNetwork, z: Tensor, rows: int) -> None:
        self.masked, self.rows = masked, rows
        self.weights = masked.by_name(masked.merge(z.detach()))

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Outputs at inputs `x`, differentiable in `x` to any order."""

    @abstractmethod
    def gradients(self, total: Tensor, retain_graph: bool = False) -> dict[str, Tensor]:
        """Each row's part ``(rows, *shape)`` of the gradient of `total`, for each tensor with a free weight.

        `total` is a sum over functions of one row of the outputs and of their derivatives by that row's inputs.
        """

    def columns(self, total: Tensor, retain_graph: bool = False) -> Tensor:
        """Each row's part of the gradient of `total` by the free weights, ``(rows, p)``."""
        free = self.masked.by_name(self.masked.free)
        parts = self.gradients(total, retain_graph)
        return torch.cat([each.flatten(1)[:, free[name].flatten()] for name, each in parts.items()], dim=1)

    @property
    def _learnt(self) -> dict[str, Tensor]:
        free = self.masked.by_name(self.masked.free)
        return {name: each for name, each in self.weights.items() if free[name].any()}


class Copies(Rowwise):
    """By a copy of the weights for each row: any network that treats rows alike."""

    def __init__(self, masked: MaskedNetwork, z: Tensor, rows: int) -> None:
        super().__init__(masked, z, rows)
        self._copies = {name: each.expand(rows, *each.shape).requires_grad_() for name, each in self._learnt.items()}

    def forward(self, x: Tensor) -> Tensor:
        def one(copies: dict[str, Tensor], row: Tensor) -> Tensor:
            return self.masked.evaluate({**self.weights, **copies}, row.unsqueeze(0)).squeeze(0)

        outputs: Tensor = vmap(one)(self._copies, x)
        return outputs

    def gradients(self, total: Tensor, retain_graph: bool = False) -> dict[str, Tensor]:
        found = torch.autograd.grad(
            total, list(self._copies.values()), retain_graph=retain_graph, materialize_grads=True
        )
        return dict(zip(self._copies, found, strict=True))


class LinearLayers(Rowwise):
    """By what goes into and comes out of the linear layers: several times faster, for networks of nothing else.

    Every use of a weight matrix, in the forward pass and in the backward passes of `dde.grad`, is a product
    ``x @ matrix`` of shared weights. The last backward pass meets each of them again with the gradient `g` of its
    result, and a row's gradient by the matrix is the sum of the outer products of its rows of `x` and `g`.
    """

    def __init__(self, masked: MaskedNetwork, z: Tensor, rows: int) -> None:
        super().__init__(masked, z, rows)
        self._names = {id(each): name for name, each in self._learnt.items()}
        self._biases: dict[str, Tensor] = {}
        self._met: dict[str, list[tuple[Tensor, Tensor]]] | None = None
        some = next(iter(self.weights.values()))
        self._reached = torch.zeros((), dtype=some.dtype, device=some.device, requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        with _LinearCalls(self._linear):
            return self.masked.evaluate(self.weights, x)

    def gradients(self, total: Tensor, retain_graph: bool = False) -> dict[str, Tensor]:
        leaves = [self._reached, *self._biases.values()]
        self._met = {name: [] for name in self._names.values()}
        found = torch.autograd.grad(total, leaves, retain_graph=retain_graph, allow_unused=True)
        met, self._met = self._met, None
        parts = {name: _outer(pairs) for name, pairs in met.items() if pairs}
        parts |= {name: each for name, each in zip(self._biases, found[1:], strict=True) if each is not None}
        return {
            name: parts[name] if name in parts else each.new_zeros(self.rows, *each.shape)
            for name, each in self._learnt.items()
        }

    def _linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        y = F.linear(x, weight) if id(weight) not in self._names else self._product(x, weight)
        if bias is None or id(bias) not in self._names:
            return y if bias is None else y + bias
        name = self._names[id(bias)]
        copies = self._biases.setdefault(name, bias.expand(self.rows, -1).requires_grad_())
        return y + copies.view(self.rows, *[1] * (x.ndim - 2), -1)

    def _product(self, x: Tensor, weight: Tensor) -> Tensor:
        name = self._names[id(weight)]

        def meet(left: Tensor, right: Tensor) -> None:
            if self._met is not None:
                self._met[name].append((left.detach(), right.detach()))

        outputs: Tensor = _Product.apply(x, self._reached, weight.mT, meet)  # type: ignore[no-untyped-call]
        return outputs


Meet = Callable[[Tensor, Tensor], None]


class _Product(torch.autograd.Function):
    """``x @ matrix``, which shows `meet` the two factors ``(x, g)`` of its gradient by the matrix.

    `reached` is a leaf that carries no gradient: a backward pass to it comes by every product.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, reached: Tensor, matrix: Tensor, meet: Meet) -> Tensor:
        ctx.save_for_backward(x, reached)
        ctx.matrix, ctx.meet = matrix, meet
        return x @ matrix

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        x, reached = ctx.saved_tensors
        meet = ctx.meet
        meet(x, g)
        by_x = _Product.apply(g, reached, ctx.matrix.mT, lambda left, right: meet(right, left))  # type: ignore[no-untyped-call]
        return by_x, None, None, None


class _LinearCalls(TorchFunctionMode):
    """While active, `linear` stands in for ``torch.nn.functional.linear``."""

    def __init__(self, linear: Callable[..., Tensor]) -> None:
        super().__init__()
        self._linear = linear

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return (self._linear if func is F.linear else func)(*args, **(kwargs or {}))


def _outer(pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Sum of the outer products of the rows ``(rows, ..., outputs)`` and ``(rows, ..., inputs)``."""
    inputs, outputs = (
        torch.cat([each.reshape(len(each), -1, each.shape[-1]) for each in side], dim=1)
        for side in zip(*pairs, strict=True)
    )
    return outputs.mT @ inputs


def rowwise_kind(masked: MaskedNetwork, x: Tensor) -> type[Rowwise] | None:
    """The first way that gives each of some rows of `x` its own gradient; None if there is none: rows mix."""
    x, z = x[:_TRIED_ROWS].detach(), masked.start.requires_grad_()
    own = torch.stack([torch.autograd.grad(_sample(y), z, retain_graph=True)[0] for y in masked.forward(z)(x)])
    for way in (LinearLayers, Copies):
        network = way(masked, z, len(x))
        try:
            found = network.columns(_sample(network.forward(x)))
        except Exception:
            continue
        if (found - own).abs().max() <= own.abs().max() * torch.finfo(own.dtype).eps ** 0.5:
            return way
    return None


def _sample(y: Tensor) -> Tensor:
    """Some function of the outputs that changes with each of them."""
    return (1 + y).square().sum()
