"""A network whose rows' gradients can be told apart: the Jacobian of many residuals from one backward pass.

If each residual depends on one row of the inputs, the gradient of their sum is the sum of the Jacobian's rows. It takes
one backward pass, and is kept apart by row in one of two ways.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import vmap
from torch.overrides import TorchFunctionMode

from pacpinn.networks.factored_jacobian import Factors
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.tasks.task import named_inputs

_TRIED_ROWS = 3


Pair = tuple[Tensor, Tensor]


class PerRowGradients(ABC):
    """A network at free weights `z` ``(p,)``, as a function of `rows` inputs.

    Args:
        masked: the network.
        z: its free weights; or ``(targets, p)``, each for an equal share of the rows, one after the other.
        rows: number of rows that :meth:`forward` will be given.
    """

    def __init__(self, masked: MaskedNetwork, z: Tensor, rows: int) -> None:
        self.masked, self.rows = masked, rows
        masks = masked.by_name(masked.free)
        self.free = {name: each.flatten().nonzero()[:, 0] for name, each in masks.items() if each.any()}
        merged = masked.by_name(masked.merge(z.detach()))
        self.weights = {
            name: merged[name] if name in self.free else each for name, each in masked.by_name(masked.weights).items()
        }

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Outputs at inputs `x`, differentiable in `x` to any order."""

    @abstractmethod
    def write(self, total: Tensor, columns: dict[str, Tensor], retain_graph: bool) -> None:
        """Write each row's part of the gradient of `total` by a tensor's free weights to its `columns` ``(rows, n)``.

        `total` is a sum over functions of one row of the outputs and of their derivatives by that row's inputs.
        """

    def columns(self, total: Tensor, retain_graph: bool = False) -> Tensor:
        """Each row's part of the gradient of `total` by the free weights, ``(rows, p)``."""
        counts = [len(each) for each in self.free.values()]
        columns = total.new_empty(self.rows, sum(counts))
        self.write(total, dict(zip(self.free, columns.split(counts, dim=1), strict=True)), retain_graph)
        return columns


class VmapGradients(PerRowGradients):
    """By a copy of the weights for each row: any network that treats rows alike."""

    def __init__(self, masked: MaskedNetwork, z: Tensor, rows: int) -> None:
        super().__init__(masked, z, rows)
        shapes = masked.shapes
        self._copies = {name: _for_rows(self.weights[name], shapes[name], rows).requires_grad_() for name in self.free}

    def forward(self, x: Tensor) -> Tensor:
        def one(copies: dict[str, Tensor], row: Tensor) -> Tensor:
            return self.masked.evaluate({**self.weights, **copies}, row.unsqueeze(0)).squeeze(0)

        outputs: Tensor = vmap(one)(self._copies, x)
        return outputs

    def write(self, total: Tensor, columns: dict[str, Tensor], retain_graph: bool) -> None:
        found = torch.autograd.grad(
            total, list(self._copies.values()), retain_graph=retain_graph, materialize_grads=True
        )
        for (name, place), each in zip(columns.items(), found, strict=True):
            place.copy_(each.detach().flatten(1)[:, self.free[name]])


class LinearLayerGradients(PerRowGradients):
    """By what goes into and comes out of the linear layers: several times faster, for networks of nothing else.

    Every use of a weight matrix, in the forward pass and in the backward passes of `dde.grad`, is a product
    ``x @ matrix`` of weights that rows share. The last backward pass meets each of them again with the gradient `g` of
    its result, and a row's gradient by the matrix is the sum of the outer products of its rows of `x` and `g`.
    """

    def __init__(self, masked: MaskedNetwork, z: Tensor, rows: int) -> None:
        super().__init__(masked, z, rows)
        self._names = {id(self.weights[name]): name for name in self.free}
        self._biases: dict[str, Tensor] = {}
        self._met: dict[str, list[Pair]] | None = None
        some = next(iter(self.weights.values()))
        self._reached = torch.zeros((), dtype=some.dtype, device=some.device, requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        with _LinearCalls(self._linear):
            return self.masked.evaluate(self.weights, x)

    def write(self, total: Tensor, columns: dict[str, Tensor], retain_graph: bool) -> None:
        for place, factors in zip(columns.values(), self.factors(total, retain_graph), strict=True):
            factors.write(place)

    def factors(self, total: Tensor, retain_graph: bool = False) -> list[Factors]:
        """Each row's part of the gradient of `total` by the free weights: one item for each tensor that has some."""
        leaves = [self._reached, *self._biases.values()]
        self._met = {name: [] for name in self.free}
        found = torch.autograd.grad(total, leaves, retain_graph=retain_graph, allow_unused=True)
        met, self._met = self._met, None
        biases = dict(zip(self._biases, found[1:], strict=True))
        return [
            Factors(*(_joined(met[name]) if met[name] else self._of_bias(name, biases.get(name))), free)
            for name, free in self.free.items()
        ]

    def _of_bias(self, name: str, gradients: Tensor | None) -> Pair:
        """What goes into and comes out of a bias, whose gradients are zero if the total does not depend on it."""
        ones = self._reached.new_ones(self.rows, 1, 1)
        if gradients is None:
            gradients = ones.new_zeros(self.rows, self.masked.shapes[name].numel())
        return ones, gradients[:, None]

    def _linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        y = F.linear(x, weight) if id(weight) not in self._names else self._product(x, weight)
        if bias is None or id(bias) not in self._names:
            return y if bias is None else y + bias
        name = self._names[id(bias)]
        copies = self._biases.setdefault(name, _for_rows(bias, self.masked.shapes[name], self.rows).requires_grad_())
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

    A matrix ``(targets, inputs, outputs)`` holds one for each target, whose rows of `x` follow each other.

    `reached` is a leaf that carries no gradient: a backward pass to it comes by every product.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, reached: Tensor, matrix: Tensor, meet: Meet) -> Tensor:
        ctx.save_for_backward(x, reached)
        ctx.matrix, ctx.meet = matrix, meet
        if matrix.ndim == 2:
            return x @ matrix
        return (x.reshape(len(matrix), -1, x.shape[-1]) @ matrix).view(*x.shape[:-1], -1)  # each target has its own

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        x, reached = ctx.saved_tensors
        meet = ctx.meet
        meet(x, g)
        by_x = _Product.apply(g, reached, ctx.matrix.mT, lambda left, right: meet(right, left))  # type: ignore[no-untyped-call]
        return by_x, None, None, None


def _for_rows(weight: Tensor, shape: torch.Size, rows: int) -> Tensor:
    """A weight ``(*shape)``, or each target's ``(targets, *shape)``, for each of the `rows`."""
    if weight.ndim == len(shape):
        return weight.expand(rows, *shape)
    return weight[:, None].expand(-1, rows // len(weight), *shape).flatten(0, 1)


class _LinearCalls(TorchFunctionMode):
    """While active, `linear` stands in for ``torch.nn.functional.linear``."""

    def __init__(self, linear: Callable[..., Tensor]) -> None:
        super().__init__()
        self._linear = linear

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return (self._linear if func is F.linear else func)(*args, **(kwargs or {}))


def _joined(pairs: list[Pair]) -> Pair:
    """All products of one matrix ``(rows, ..., n)`` and ``(rows, ..., k)`` as ``(rows, s, n)`` and ``(rows, s, k)``."""
    inputs, outputs = (
        torch.cat([each.reshape(len(each), -1, each.shape[-1]) for each in side], dim=1)
        for side in zip(*pairs, strict=True)
    )
    return inputs, outputs


def per_row_gradients_kind(masked: MaskedNetwork, x: Tensor) -> type[PerRowGradients] | None:
    """The first way that gives each of some rows of `x` its own gradient; None if there is none: rows mix.

    It is tried out once for a network, not for each of the targets that are calibrated in it.
    """
    if masked not in _KINDS:
        _KINDS[masked] = _find_kind(masked, x)
    return _KINDS[masked]


_KINDS: WeakKeyDictionary[MaskedNetwork, type[PerRowGradients] | None] = WeakKeyDictionary()


def _find_kind(masked: MaskedNetwork, x: Tensor) -> type[PerRowGradients] | None:
    x, z = x[:_TRIED_ROWS].detach(), masked.start.requires_grad_()
    outputs = named_inputs(masked.forward(z))(x)
    own = torch.stack([torch.autograd.grad(_sample(y), z, retain_graph=True)[0] for y in outputs])
    for way in (LinearLayerGradients, VmapGradients):
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
