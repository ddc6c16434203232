"""Per-row gradients: the Jacobian of many residuals from one backward pass.

If each residual depends on one row of the inputs, the gradient of the residuals' sum by the weights is the sum of the
Jacobian's rows. One backward pass computes that sum. To keep its terms apart, the pass must not add over rows:

- :class:`VmapGradients` gives each row its own copy of the weights, as a leaf. It serves every network that treats
  rows alike.
- :class:`LinearLayerGradients` shares the weights and records the two factors of every product with a weight matrix.
  It is several times faster, and serves networks whose weights are used by linear layers alone.
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

_TRIAL_ROWS = 3

FactorPair = tuple[Tensor, Tensor]  # of a product x @ matrix: x, and the gradient by the product
Record = Callable[[Tensor, Tensor], None]

_KINDS: WeakKeyDictionary[MaskedNetwork, type[PerRowGradients] | None] = WeakKeyDictionary()  # found by trials


class PerRowGradients(ABC):
    """A network at free weights `z` ``(p,)``, as a function of `rows` inputs.

    With `z` ``(targets, p)``, the inputs are the rows of all targets, equally many for each, target by target.
    """

    def __init__(self, masked: MaskedNetwork, z: Tensor, rows: int) -> None:
        self.masked, self.rows = masked, rows
        masks = masked.by_name(masked.free)
        self.free = {name: mask.flatten().nonzero()[:, 0] for name, mask in masks.items() if mask.any()}
        merged = masked.by_name(masked.merge(z.detach()))
        self.weights = masked.by_name(masked.weights) | {name: merged[name] for name in self.free}

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Outputs at inputs `x`, differentiable in `x` to any order."""

    @abstractmethod
    def write(self, total: Tensor, columns: dict[str, Tensor], retain_graph: bool) -> None:
        """Write the per-row gradient of `total` by the free weights of each tensor to its `columns` ``(rows, n)``.

        Each term of `total` is a function of one row of the outputs and of its derivatives by that row's inputs.
        """

    def gradients(self, total: Tensor, retain_graph: bool = False) -> Tensor:
        """Per-row gradients of `total` by the free weights, ``(rows, p)``: they add up to its gradient."""
        counts = [len(indices) for indices in self.free.values()]
        gradients = total.new_empty(self.rows, sum(counts))
        self.write(total, dict(zip(self.free, gradients.split(counts, dim=1), strict=True)), retain_graph)
        return gradients


class VmapGradients(PerRowGradients):
    """Every row has its own copy of the weights, and `vmap` evaluates the network row by row.

    The copies are leaves outside the `vmap`. The gradient by a row's copy is that row's part of the gradient.
    """

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
        gradients = torch.autograd.grad(
            total, list(self._copies.values()), retain_graph=retain_graph, materialize_grads=True
        )
        for (name, place), gradient in zip(columns.items(), gradients, strict=True):
            place.copy_(gradient.detach().flatten(1)[:, self.free[name]])


class LinearLayerGradients(PerRowGradients):
    """The rows share the weights; every product with a weight matrix records the factors of its gradient.

    The gradient of ``y = x @ matrix`` by the matrix is ``xᵀ g`` with ``g`` the gradient by y: a sum over the rows of
    outer products of x and g. So x and g hold the gradient of each row. Products with a weight matrix occur in the
    forward pass, and with its transpose in the backward passes of `dde.grad`; the last backward pass visits all of them
    and records their factors. A bias is copied for each row, as in :class:`VmapGradients`.
    """

    def __init__(self, masked: MaskedNetwork, z: Tensor, rows: int) -> None:
        super().__init__(masked, z, rows)
        self._names = {id(self.weights[name]): name for name in self.free}
        self._biases: dict[str, Tensor] = {}
        self._recorded: dict[str, list[FactorPair]] | None = None  # None but for the last backward pass
        like = next(iter(self.weights.values()))
        self._dummy = torch.zeros((), dtype=like.dtype, device=like.device, requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        with _LinearCalls(self._linear):
            return self.masked.evaluate(self.weights, x)

    def write(self, total: Tensor, columns: dict[str, Tensor], retain_graph: bool) -> None:
        for place, factors in zip(columns.values(), self.factors(total, retain_graph), strict=True):
            factors.write(place)

    def factors(self, total: Tensor, retain_graph: bool = False) -> list[Factors]:
        """Per-row gradients of `total` as factors, one item for each tensor with free weights."""
        leaves = [self._dummy, *self._biases.values()]
        self._recorded = {name: [] for name in self.free}
        gradients = torch.autograd.grad(total, leaves, retain_graph=retain_graph, allow_unused=True)
        recorded, self._recorded = self._recorded, None
        biases = dict(zip(self._biases, gradients[1:], strict=True))
        return [
            Factors(*(_joined(recorded[name]) if recorded[name] else self._of_bias(name, biases.get(name))), free)
            for name, free in self.free.items()
        ]

    def _of_bias(self, name: str, gradients: Tensor | None) -> FactorPair:
        """The factors of a bias: 1, and its per-row gradients, zero if the total does not depend on the bias."""
        ones = self._dummy.new_ones(self.rows, 1, 1)
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

        def record(x: Tensor, g: Tensor) -> None:
            if self._recorded is not None:
                self._recorded[name].append((x.detach(), g.detach()))

        outputs: Tensor = _RecordedProduct.apply(x, self._dummy, weight.mT, record)  # type: ignore[no-untyped-call]
        return outputs


class _RecordedProduct(torch.autograd.Function):
    """``x @ matrix``, whose backward pass gives `record` the factors ``(x, g)`` of the gradient by the matrix.

    A matrix ``(targets, inputs, outputs)`` holds one matrix for each target; then the rows of `x` are those of all
    targets, one target after the other.

    `dummy` is a leaf that every product depends on and whose gradient is None. A backward pass visits only what depends
    on the leaves that it is asked for; asked for `dummy`, it visits every product.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, dummy: Tensor, matrix: Tensor, record: Record) -> Tensor:
        ctx.save_for_backward(x, dummy)
        ctx.matrix, ctx.record = matrix, record
        if matrix.ndim == 2:
            return x @ matrix
        return (x.reshape(len(matrix), -1, x.shape[-1]) @ matrix).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """The gradient by x is ``g @ matrixᵀ``: again a product with the matrix, whose factors change places."""
        x, dummy = ctx.saved_tensors
        record = ctx.record
        record(x, g)
        by_x = _RecordedProduct.apply(  # type: ignore[no-untyped-call]
            g, dummy, ctx.matrix.mT, lambda left, right: record(right, left)
        )
        return by_x, None, None, None


def _for_rows(weight: Tensor, shape: torch.Size, rows: int) -> Tensor:
    """A weight ``(*shape)``, or each target's ``(targets, *shape)``, repeated for each of the `rows`."""
    if weight.ndim == len(shape):
        return weight.expand(rows, *shape)
    return weight[:, None].expand(-1, rows // len(weight), *shape).flatten(0, 1)


class _LinearCalls(TorchFunctionMode):
    """While active, `linear` replaces ``torch.nn.functional.linear``."""

    def __init__(self, linear: Callable[..., Tensor]) -> None:
        super().__init__()
        self._linear = linear

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return (self._linear if func is F.linear else func)(*args, **(kwargs or {}))


def _joined(pairs: list[FactorPair]) -> FactorPair:
    """The factors of all products with one matrix, joined: ``(rows, s, n)`` and ``(rows, s, k)``."""
    inputs, outputs = (
        torch.cat([factor.reshape(len(factor), -1, factor.shape[-1]) for factor in side], dim=1)
        for side in zip(*pairs, strict=True)
    )
    return inputs, outputs


def per_row_gradients_kind(masked: MaskedNetwork, x: Tensor) -> type[PerRowGradients] | None:
    """The faster kind that is right for a network, by a single trial on a few rows of `x`; None if it mixes rows."""
    if masked not in _KINDS:
        _KINDS[masked] = _find_kind(masked, x)
    return _KINDS[masked]


def _find_kind(masked: MaskedNetwork, x: Tensor) -> type[PerRowGradients] | None:
    x, z = x[:_TRIAL_ROWS].detach(), masked.start.requires_grad_()
    outputs = named_inputs(masked.forward(z))(x)
    expected = torch.stack([torch.autograd.grad(_of_all(y), z, retain_graph=True)[0] for y in outputs])
    for kind in (LinearLayerGradients, VmapGradients):
        network = kind(masked, z, len(x))
        try:
            found = network.gradients(_of_all(network.forward(x)))
        except Exception:
            continue
        if (found - expected).abs().max() <= expected.abs().max() * torch.finfo(expected.dtype).eps ** 0.5:
            return kind
    return None


def _of_all(y: Tensor) -> Tensor:
    return (1 + y).square().sum()
