"""Functions known at fixed points only, and how DeepXDE differentiates a combination of them all the same.

A reduced basis never changes, so its functions and their derivatives are computed once. The residual is the user's own,
which asks `dde.grad` for derivatives: a combination of tabulated functions is a node of autograd's graph whose value is
read from the table, and whose derivative by the points is such a node again, of the next order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]  # points (rows, inputs) to values (rows, outputs)


class DerivativeTable:
    """Some functions at fixed points, with the derivatives that are asked for: those of each order are computed once.

    Args:
        derivatives: gives all derivatives of an order, ``(rows, outputs * inputs ** order, functions)``: the second
            axis counts outputs, then the first input differentiated by, then the second, and so on, the last fastest.
    """

    def __init__(self, derivatives: Callable[[int], Tensor]) -> None:
        self._derivatives = derivatives
        self._known: dict[int, Tensor] = {}

    @classmethod
    def of(cls, function: Function, x: Tensor) -> DerivativeTable:
        """One function at points `x` ``(rows, inputs)``."""
        return cls(lambda order: differentiated(function, x, order)[..., None])

    @classmethod
    def joined(cls, parts: Sequence[DerivativeTable]) -> DerivativeTable:
        """The functions of all `parts`, at the same points."""
        return cls(lambda order: torch.cat([each[order] for each in parts], dim=-1))

    def __getitem__(self, order: int) -> Tensor:
        if order not in self._known:
            self._known[order] = self._derivatives(order)
        return self._known[order]

    @property
    def values(self) -> Tensor:
        """The functions themselves ``(rows, outputs, functions)``."""
        return self[0]

    def combined(self, matrix: Tensor) -> DerivativeTable:
        """Linear combinations of the functions, one for each column of `matrix` ``(functions, any)``."""
        return DerivativeTable(lambda order: self[order] @ matrix)

    def at(self, rows: Tensor) -> DerivativeTable:
        """The same functions at some of the points, by their indices."""
        return DerivativeTable(lambda order: self[order][rows])


def differentiated(function: Function, x: Tensor, order: int) -> Tensor:
    """All derivatives of an order of `function` at `x`: ``(rows, outputs * inputs ** order)``, as in a table."""
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
    """Combinations of tabulated functions, as functions of the points that DeepXDE can differentiate.

    Args:
        table: the functions.
        weights: of each function, one row a combination: ``(k, functions)``. All are at the same points, and their rows
            follow each other.
    """

    def __init__(self, table: DerivativeTable, weights: Tensor) -> None:
        self.table, self.weights = table, weights
        self._reached = torch.zeros((), dtype=weights.dtype, device=weights.device, requires_grad=True)
        self._met: dict[int, Tensor] | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Values ``(k * rows, outputs)`` at points `x` ``(k * rows, inputs)``, which must be the table's."""
        return self.node(x, self._reached, 0)

    def node(self, x: Tensor, reached: Tensor, order: int) -> Tensor:
        """All derivatives of an order ``(k * rows, outputs * inputs ** order)``."""
        found: Tensor = _Node.apply(x, reached, self, order)  # type: ignore[no-untyped-call]
        return found

    def read(self, order: int) -> Tensor:
        """The same, as numbers."""
        rows, width, functions = self.table[order].shape
        return (self.weights @ self.table[order].view(rows * width, functions).T).view(-1, width)

    def columns(self, total: Tensor, retain_graph: bool) -> Tensor:
        """Each row's part of the gradient of `total` by the weights, ``(k * rows, functions)``.

        `total` is a sum over functions of one row of the values and of their derivatives by that row's point. The
        backward pass ends at the nodes, each of which shows the gradient of its own values.
        """
        self._met = {}
        torch.autograd.grad(total, self._reached, retain_graph=retain_graph, allow_unused=True)
        met, self._met = self._met, None
        columns = total.new_zeros(len(self.weights), len(self.table.values), self.weights.shape[1])
        for order, g in met.items():
            table = self.table[order]
            columns += torch.einsum("krw,rwf->krf", g.view(len(columns), *table.shape[:2]), table)
        return columns.flatten(0, 1)

    def meet(self, order: int, g: Tensor) -> bool:
        """Take the gradient `g` of an order's values, if that is what a backward pass is for."""
        if self._met is not None:
            self._met[order] = self._met[order] + g if order in self._met else g
        return self._met is not None


class _Node(torch.autograd.Function):
    """Derivatives of the combinations, whose own derivatives by the points are read from the table again.

    `reached` is a leaf that carries no gradient: a backward pass to it comes by every node.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, reached: Tensor, combination: Combination, order: int) -> Tensor:
        ctx.save_for_backward(x, reached)
        ctx.combination, ctx.order = combination, order
        return combination.read(order)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        if ctx.combination.meet(ctx.order, g):
            return None, None, None, None
        x, reached = ctx.saved_tensors
        slopes = ctx.combination.node(x, reached, ctx.order + 1).view(*g.shape, x.shape[1])
        return (g[..., None] * slopes).sum(1), None, None, None
