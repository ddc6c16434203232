"""Tabulated functions that DeepXDE can differentiate.

Functions and points are fixed, so values and derivatives are computed once and stored in a table. The residual is the
user's own function and asks ``dde.grad``, that is torch's autograd, for derivatives. A linear combination of tabulated
functions is therefore a node of the autograd graph: its value is read from the table, and its derivative by the points
is another such node, of the next order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]  # points (rows, inputs) to values (rows, outputs)


class DerivativeTable:
    """Values and derivatives of functions at fixed points. The derivatives of an order are computed at its first use.

    They have the shape ``(rows, outputs * inputs ** order, functions)``. The second axis counts the outputs, then the
    first input differentiated by, then the second, and so on; the last one varies fastest.
    """

    def __init__(self, derivatives: Callable[[int], Tensor]) -> None:
        self._derivatives = derivatives
        self._known: dict[int, Tensor] = {}

    @classmethod
    def of(cls, function: Function, x: Tensor) -> DerivativeTable:
        """One function at points `x` ``(rows, inputs)``."""
        return cls(lambda order: differentiated(function, x, order)[..., None])

    @classmethod
    def joined(cls, tables: Sequence[DerivativeTable]) -> DerivativeTable:
        """The functions of all `tables`, which have the same points."""
        return cls(lambda order: torch.cat([table[order] for table in tables], dim=-1))

    def __getitem__(self, order: int) -> Tensor:
        if order not in self._known:
            self._known[order] = self._derivatives(order)
        return self._known[order]

    @property
    def values(self) -> Tensor:
        """The functions themselves ``(rows, outputs, functions)``."""
        return self[0]

    def combined(self, weights: Tensor) -> DerivativeTable:
        """Linear combinations of the functions, one for each column of `weights` ``(functions, combinations)``."""
        return DerivativeTable(lambda order: self[order] @ weights)

    def restricted(self, rows: Tensor) -> DerivativeTable:
        """The same functions at the points with indices `rows` only."""
        return DerivativeTable(lambda order: self[order][rows])


def differentiated(function: Function, x: Tensor, order: int) -> Tensor:
    """All derivatives of an order of `function` at `x`: ``(rows, outputs * inputs ** order)``, in a table's order."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        found = function(x)
        for _ in range(order):
            found = torch.cat([_gradient(column, x) for column in found.split(1, dim=1)], dim=1)
    return found.detach()


def _gradient(column: Tensor, x: Tensor) -> Tensor:
    if not column.requires_grad:
        return torch.zeros_like(x)
    (by_x,) = torch.autograd.grad(column.sum(), x, create_graph=True, materialize_grads=True)
    return by_x


class Combination:
    """Linear combinations of tabulated functions, as a function of the points that DeepXDE can differentiate.

    Gradients by the weights need no graph through the weights. Every node has a *dummy leaf* as a further input: a
    scalar that changes no value. A backward pass towards the dummy leaf visits every node, and each node records the
    gradient by its own values. The product of this gradient with the table is the gradient by the weights.

    Args:
        table: the functions.
        weights: of the functions, one row for each combination: ``(k, functions)``. All combinations have the table's
            points; their rows follow one after the other.
    """

    def __init__(self, table: DerivativeTable, weights: Tensor) -> None:
        self.table, self.weights = table, weights
        self._dummy_leaf = torch.zeros((), dtype=weights.dtype, device=weights.device, requires_grad=True)
        self._recorded: dict[int, Tensor] | None = None  # by order; None outside of row_gradients

    def __call__(self, x: Tensor) -> Tensor:
        """Values ``(k * rows, outputs)`` at points `x` ``(k * rows, inputs)``, which must be the table's."""
        return self.node(x, self._dummy_leaf, 0)

    def node(self, x: Tensor, dummy_leaf: Tensor, order: int) -> Tensor:
        """All derivatives of an order ``(k * rows, outputs * inputs ** order)``, as a node of autograd's graph."""
        return cast(Tensor, _Node.apply(x, dummy_leaf, self, order))  # type: ignore[no-untyped-call]

    def row_gradients(self, total: Tensor, retain_graph: bool) -> Tensor:
        """Gradient of `total` by the weights, split into the parts of the rows: ``(k * rows, functions)``.

        `total` is a sum of terms, each of which depends on the values and derivatives in one row only.
        """
        self._recorded = {}
        torch.autograd.grad(total, self._dummy_leaf, retain_graph=retain_graph, allow_unused=True)
        recorded, self._recorded = self._recorded, None
        gradients = total.new_zeros(len(self.weights), len(self.table.values), self.weights.shape[1])
        for order, g in recorded.items():
            table = self.table[order]
            gradients += torch.einsum("krw,rwf->krf", g.view(len(gradients), *table.shape[:2]), table)
        return gradients.flatten(0, 1)

    def record(self, order: int, g: Tensor) -> bool:
        """Add `g` to the recorded gradient by the values of an order; False if nothing is being recorded."""
        if self._recorded is not None:
            self._recorded[order] = self._recorded[order] + g if order in self._recorded else g
        return self._recorded is not None


class _Node(torch.autograd.Function):
    """All derivatives of an order of the combinations; its derivative by the points is the node of the next order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dummy_leaf: Tensor, combination: Combination, order: int) -> Tensor:
        ctx.save_for_backward(x, dummy_leaf)
        ctx.combination, ctx.order = combination, order
        rows, width, functions = combination.table[order].shape
        return (combination.weights @ combination.table[order].view(rows * width, functions).T).view(-1, width)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        if ctx.combination.record(ctx.order, g):
            return None, None, None, None
        x, dummy_leaf = ctx.saved_tensors
        by_x = ctx.combination.node(x, dummy_leaf, ctx.order + 1).view(*g.shape, x.shape[1])
        return (g[..., None] * by_x).sum(1), None, None, None
