"""Residual blocks of DeepXDE's equations and conditions, for one task or for several tasks evaluated together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import Collocation
from pacpinn.equations.measurements import Observed
from pacpinn.equations.sizes import Sizes
from pacpinn.errors import ResidualError
from pacpinn.runtime.deepxde_backend import dde
from pacpinn.runtime.user_code import naming_user_code, place_of
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Block, Forward

Outputs = Callable[[Tensor], Tensor]  # points (rows, inputs) to a network's outputs, before the equation's transform

_POINTWISE = (
    dde.icbc.DirichletBC,
    dde.icbc.NeumannBC,
    dde.icbc.RobinBC,
    dde.icbc.OperatorBC,
    dde.icbc.PointSetBC,
    dde.icbc.PointSetOperatorBC,
    dde.icbc.IC,
    Observed,
)


class Formulas(Protocol):
    """The part of an :class:`Equation` that residuals need."""

    outputs: ClassVar[Sequence[str]]
    weights: ClassVar[Sequence[float] | None]

    @property
    def name(self) -> str: ...
    @property
    def has_transform(self) -> bool: ...
    def features(self, x: Tensor, c: Coefficients) -> Tensor: ...
    def transform(self, x: Tensor, y: Tensor, c: Coefficients) -> Tensor: ...
    def residual(self, x: Tensor, y: Tensor, c: Coefficients) -> Tensor | Sequence[Tensor]: ...
    def sizes_at(self, c: Coefficients) -> Sizes: ...
    def stated(self, part: str) -> Any: ...


class Residuals:
    """An equation's formulas at coefficients, called with checks of the shapes that they return.

    All methods raise :class:`ResidualError`, with the line of the user's file, for a formula that fails or returns a
    wrong shape.

    Args:
        equation: the family.
        c: the coefficients, as numbers or as columns ``(rows, 1)``.
        sizes: of outputs and residual blocks; by default the equation's at `c`.
    """

    def __init__(self, equation: Formulas, c: Coefficients, sizes: Sizes | None = None) -> None:
        self.equation, self.c = equation, c
        self.sizes = equation.sizes_at(c) if sizes is None else sizes

    def outputs_of(self, forward: Forward) -> Outputs:
        """The outputs of the network `forward` as a function of points `x` ``(rows, inputs)``."""
        return lambda x: forward(self.equation.features(x, self.c))

    def solution(self, outputs: Outputs, x: Tensor) -> Tensor:
        """The solution ``(rows, outputs)`` at points `x` ``(rows, inputs)``: the sized and transformed `outputs`."""
        y = self.sizes.sized_outputs(outputs(x))
        with self.calling("transform"):
            y = self.equation.transform(x, y, self.c)
        self.require_values("solution", y, len(x), "transform")
        return y

    def blocks(self, outputs: Outputs, batch: Collocation) -> list[Block]:
        """The blocks of :meth:`unsized_blocks`, divided by their sizes; measurements have standard deviations."""
        return self.sized(self.unsized_blocks(outputs, batch))

    def sized(self, blocks: Sequence[Block]) -> list[Block]:
        """The `blocks` of the equations and of the stated conditions, divided by their sizes."""
        count = self.sizes.blocks.shape[-1]
        sized = [
            replace(each, values=each.values / self.sizes.block_size(i, each.values))
            for i, each in enumerate(blocks[:count])
        ]
        return sized + list(blocks[count:])

    def unsized_blocks(self, outputs: Outputs, batch: Collocation) -> list[Block]:
        """One residual block for each equation, then one for each condition, in the equation's own units.

        The `outputs` are those of a network or of another function.
        """
        x = batch.x.detach().requires_grad_()
        y = self.solution(outputs, x)
        with self.calling("residual"):
            found = self.equation.residual(x, y, self.c)
        columns = list(found) if isinstance(found, list | tuple) else [found]
        conditions = sum(batch.counts)
        rows = torch.arange(conditions, batch.rows)[:, None]
        blocks = [
            Block(name, column.reshape(*batch.lead, -1)[..., conditions:], rows)
            for name, column in self.named(columns, len(x))
        ]
        return self.with_conditions(blocks, self.condition_errors(x, y, batch), batch)

    def measured_blocks(self, outputs: Outputs, batch: Collocation) -> list[Block]:
        """One residual block for each column of measurements. The batch holds the points of measurements alone."""
        x = batch.x.detach().requires_grad_()
        return self.with_conditions([], self.condition_errors(x, self.solution(outputs, x), batch), batch)

    def named(self, columns: Sequence[Any], rows: int) -> Iterator[tuple[str, Tensor]]:
        """The residuals ``(rows, 1)`` of the equations with their names."""
        for i, column in enumerate(columns):
            name = "residual" if len(columns) == 1 else f"residual {i + 1}"
            self._require_columns(name, column, (rows, 1), "residual")
            yield name, column

    def with_conditions(self, blocks: Sequence[Block], errors: Sequence[Any], batch: Collocation) -> list[Block]:
        """The `blocks` of the equations, then those of the conditions, with the equation's loss weights.

        The `errors` are of each condition for each target, ``(n, 1)``, or ``(n, components)`` for several components.
        Measurements, the last of the conditions, have weights of their own.
        """
        ends = pairwise(accumulate(batch.counts, initial=0))
        blocks = [*blocks, *(self._condition_block(i, errors[i], *rows, batch) for i, rows in enumerate(ends))]
        for block in blocks:
            if not block.values.numel():
                fault = (
                    "has no points; expected at least one: ask for them, as in points = Points(boundary=80, "
                    "initial=80), and check where the condition holds"
                )
                raise self._error(block.name, fault, "conditions")
        measured = [each.weight for each in batch.conditions[0] if isinstance(each, Observed)]
        weights = [*self._loss_weights(blocks[: len(blocks) - len(measured)]), *measured]
        return [replace(block, weight=weight) for block, weight in zip(blocks, weights, strict=True)]

    def calling(self, part: str, label: str | None = None) -> AbstractContextManager[None]:
        """Run a block that calls the user's formula for `part`, named by `label` in messages."""
        name = label or f"the {part}"
        return naming_user_code(self.equation.stated(part), f"{name} of {self.equation.name} at {self.c}")

    def require_values(self, name: str, values: Any, rows: int, part: str) -> None:
        """Refuse values of the solution that are not ``(rows, outputs)``; `part` is the formula that returned them."""
        outputs = self.equation.outputs
        if np.shape(values) != (rows, len(outputs)):
            expected = f"({rows}, {len(outputs)}) for {', '.join(outputs)}: keep columns apart, as in x[:, 0:1]"
            raise self._error(name, f"has shape {tuple(np.shape(values))}; expected {expected}", part)

    def condition_errors(self, x: Tensor, y: Tensor, batch: Collocation) -> list[list[Any]]:
        """The errors of each condition for each target, as DeepXDE evaluates them."""
        errors = []
        for i, (begin, end) in enumerate(pairwise(accumulate(batch.counts, initial=0))):
            with self.calling("conditions", f"condition {i + 1}"):
                errors.append(
                    [
                        each[i].error(batch.points, x, y, k * batch.rows + begin, k * batch.rows + end)
                        for k, each in enumerate(batch.conditions)
                    ]
                )
        return errors

    def _condition_block(self, i: int, errors: Sequence[Any], begin: int, end: int, batch: Collocation) -> Block:
        """The block of the condition with index `i`, which belongs to rows `begin` to `end` of each target."""
        condition = batch.conditions[0][i]
        measured = isinstance(condition, Observed)
        name = f"measured {condition.name}" if measured else f"condition {i + 1} ({type(condition).__name__})"
        rows, component = _rows(condition, begin, end), getattr(condition, "component", 0)
        width = len(component) if isinstance(component, list | tuple) else 1
        for error in errors:
            self._require_component(name, component, error)
            count = len(rows) if rows is not None else len(error) if isinstance(error, Tensor) else 0
            self._require_columns(name, error, (count, width), "conditions")
        by_component = torch.cat([error.T.reshape(-1) for error in errors])
        return Block(name, by_component.reshape(*batch.lead, -1), None if rows is None else rows.repeat(width, 1))

    def _loss_weights(self, blocks: Sequence[Block]) -> Sequence[float]:
        """One loss weight for each block of the equations and of the stated conditions, if there are any."""
        weights = self.equation.weights
        if not blocks or not weights:
            return [1.0] * len(blocks)
        if len(weights) != len(blocks):
            raise ResidualError(
                f"{self.equation.name} has {len(weights)} weights; expected {len(blocks)}, for: "
                + ", ".join(block.name for block in blocks)
                + place_of(type(self.equation))
            )
        return weights

    def _require_component(self, name: str, component: Any, error: Any) -> None:
        """Refuse the empty columns that DeepXDE returns for a component that the solution does not have."""
        if isinstance(error, Tensor) and error.ndim == 2 and error.shape[1] == 0:
            outputs = self.equation.outputs
            found = f"the solution has {len(outputs)} ({', '.join(outputs)}); expected 0 to {len(outputs) - 1}"
            raise self._error(name, f"is about component {component}, but {found}", "conditions")

    def _require_columns(self, name: str, values: Any, expected: tuple[int, int], part: str) -> None:
        shape = tuple(values.shape) if isinstance(values, Tensor) else None
        if shape != expected:
            found = f"is a {type(values).__name__}" if shape is None else f"has shape {shape}"
            fault = f"{found}; expected a tensor of shape {expected}: keep columns two-dimensional, as in y[:, 0:1]"
            raise self._error(name, fault, part)

    def _error(self, name: str, fault: str, part: str) -> ResidualError:
        place = place_of(self.equation.stated(part))
        return ResidualError(f"the {name} of {self.equation.name} at {self.c} {fault}{place}")


def _rows(condition: Any, begin: int, end: int) -> Tensor | None:
    """The rows that each residual of a condition depends on; None for an unknown kind of condition."""
    rows = torch.arange(begin, end)
    if isinstance(condition, _POINTWISE):
        return rows[:, None]
    if isinstance(condition, dde.icbc.PeriodicBC):
        return rows.reshape(2, -1).T  # the points on one side, then their partners on the other
    return None
