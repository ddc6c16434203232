"""Residual blocks of DeepXDE's equations and conditions, for one task or for several tasks evaluated together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from pacpinn.equations.collocation import Collocation
from pacpinn.equations.measurements import Observed
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
    def features(self, x: Tensor, c: Coefficients) -> Tensor: ...
    def transform(self, x: Tensor, y: Tensor, c: Coefficients) -> Tensor: ...
    def residual(self, x: Tensor, y: Tensor, c: Coefficients) -> Tensor | Sequence[Tensor]: ...
    def stated(self, part: str) -> Any: ...


def outputs_of(equation: Formulas, c: Coefficients, forward: Forward) -> Outputs:
    """The outputs of the network `forward` as a function of points `x` ``(rows, inputs)``."""
    return lambda x: forward(equation.features(x, c))


def solution(equation: Formulas, c: Coefficients, outputs: Outputs, x: Tensor) -> Tensor:
    """The solution ``(rows, outputs)`` at points `x` ``(rows, inputs)``: the transformed `outputs`."""
    y = outputs(x)
    with calling(equation, c, "transform"):
        y = equation.transform(x, y, c)
    if tuple(y.shape) != (len(x), len(equation.outputs)):
        fault = f"has shape {tuple(y.shape)}; {expected_of(equation, len(x))}"
        raise _error(equation, c, "solution", fault, "transform")
    return y


def residual_blocks(
    equation: Formulas, c: Coefficients, scale: Tensor | float, outputs: Outputs, batch: Collocation
) -> list[Block]:
    """One residual block for each equation, divided by its scale, then one for each condition.

    Args:
        equation: the family.
        c: the coefficients, as numbers or as columns ``(rows, 1)``.
        scale: of the equation's terms, a number or ``(targets, 1)``.
        outputs: of a network, or of another function that represents the solution.
        batch: the points of one task or of several.

    Raises:
        ResidualError: if a residual or the solution has the wrong shape, or a condition has no points.
    """
    x = batch.x.detach().requires_grad_()
    y = solution(equation, c, outputs, x)
    with calling(equation, c, "residual"):
        found = equation.residual(x, y, c)
    columns = list(found) if isinstance(found, list | tuple) else [found]
    conditions = sum(batch.counts)
    rows = torch.arange(conditions, batch.rows)[:, None]
    blocks = [
        Block(name, _by_target(column, batch.lead)[..., conditions:] / scale, rows)
        for name, column in named_residuals(equation, c, columns, len(x))
    ]
    return with_conditions(equation, c, blocks, _condition_errors(equation, c, x, y, batch), batch)


def measured_blocks(equation: Formulas, c: Coefficients, outputs: Outputs, batch: Collocation) -> list[Block]:
    """One residual block for each column of measurements. The batch holds the points of measurements alone."""
    x = batch.x.detach().requires_grad_()
    y = solution(equation, c, outputs, x)
    return with_conditions(equation, c, [], _condition_errors(equation, c, x, y, batch), batch)


def named_residuals(
    equation: Formulas, c: Coefficients, columns: Sequence[Any], rows: int | None
) -> Iterator[tuple[str, Tensor]]:
    """The equations' residuals with their names.

    Args:
        equation, c: for messages.
        columns: what the equation's residual has returned, one column for each equation.
        rows: the number of rows that each column must have; None if it is known from the columns alone.

    Raises:
        ResidualError: if a residual is not a column of that many rows.
    """
    for i, column in enumerate(columns):
        name = "residual" if len(columns) == 1 else f"residual {i + 1}"
        if rows is None and isinstance(column, Tensor):
            rows = len(column)
        _require_columns(equation, c, name, column, (rows or 0, 1), "residual")
        yield name, column


def with_conditions(
    equation: Formulas, c: Coefficients, blocks: list[Block], errors: Sequence[Sequence[Any]], batch: Collocation
) -> list[Block]:
    """The blocks of the equations, then those of the conditions, with the equation's loss weights.

    Measurements, the last of the conditions, have weights of their own.

    Args:
        equation, c: for messages.
        blocks: of the equations.
        errors: of each condition for each target, ``(n, 1)``; or ``(n, components)`` if it has a list of components.
        batch: the points.

    Raises:
        ResidualError: if an error has the wrong shape, a condition is about an output that does not exist, a block has
            no points, or there are not as many weights as blocks.
    """
    blocks, conditions = list(blocks), batch.conditions[0]
    for i, ends in enumerate(pairwise(accumulate(batch.counts, initial=0))):
        blocks.append(_condition_block(equation, c, i, conditions[i], errors[i], ends, batch.lead))
    for block in blocks:
        if not block.values.numel():
            fault = (
                "has no points; expected at least one: ask for them, as in points = Points(boundary=80, initial=80), "
                "and check where the condition holds"
            )
            raise _error(equation, c, block.name, fault, "conditions")
    measured = [each.weight for each in conditions if isinstance(each, Observed)]
    weights = [*_loss_weights(equation, blocks[: len(blocks) - len(measured)]), *measured]
    return [replace(block, weight=weight) for block, weight in zip(blocks, weights, strict=True)]


def calling(equation: Formulas, c: Coefficients, part: str, label: str | None = None) -> AbstractContextManager[None]:
    """Run a block that calls the user's formula for `part`; an exception there is reported with its line.

    Raises:
        ResidualError: for any exception that is not pacpinn's own.
    """
    return naming_user_code(equation.stated(part), f"{label or 'the ' + part} of {equation.name} at {c}")


def expected_of(equation: Formulas, rows: int) -> str:
    """The expected shape of the solution's values, for messages."""
    outputs = equation.outputs
    return f"expected ({rows}, {len(outputs)}) for {', '.join(outputs)}: keep columns apart, as in x[:, 0:1]"


def _condition_errors(equation: Formulas, c: Coefficients, x: Tensor, y: Tensor, batch: Collocation) -> list[list[Any]]:
    """The errors of each condition for each target, as DeepXDE evaluates them."""
    errors = []
    for i, (begin, end) in enumerate(pairwise(accumulate(batch.counts, initial=0))):
        with calling(equation, c, "conditions", f"condition {i + 1}"):
            errors.append(
                [
                    each[i].error(batch.points, x, y, k * batch.rows + begin, k * batch.rows + end)
                    for k, each in enumerate(batch.conditions)
                ]
            )
    return errors


def _condition_block(
    equation: Formulas,
    c: Coefficients,
    i: int,
    condition: Any,
    errors: Sequence[Any],
    ends: tuple[int, int],
    lead: tuple[int, ...],
) -> Block:
    """The block of the condition with index `i`, whose rows go from the first of `ends` to before the second."""
    measured = isinstance(condition, Observed)
    name = f"measured {condition.name}" if measured else f"condition {i + 1} ({type(condition).__name__})"
    rows, component = _rows(condition, *ends), getattr(condition, "component", 0)
    width = len(component) if isinstance(component, list | tuple) else 1
    for error in errors:
        _require_component(equation, c, name, component, error)
        count = len(rows) if rows is not None else len(error) if isinstance(error, Tensor) else 0
        _require_columns(equation, c, name, error, (count, width), "conditions")
    by_component = torch.cat([error.T.reshape(-1, 1) for error in errors])
    return Block(name, _by_target(by_component, lead), None if rows is None else rows.repeat(width, 1))


def _loss_weights(equation: Formulas, blocks: Sequence[Block]) -> Sequence[float]:
    """One loss weight for each block of the equations and of the stated conditions, if there are any."""
    if not blocks or not equation.weights:
        return [1.0] * len(blocks)
    if len(equation.weights) != len(blocks):
        raise ResidualError(
            f"{equation.name} has {len(equation.weights)} weights; expected {len(blocks)}, for: "
            + ", ".join(block.name for block in blocks)
            + place_of(type(equation))
        )
    return equation.weights


def _by_target(column: Tensor, lead: tuple[int, ...]) -> Tensor:
    """A column over the rows of all targets, as ``(targets, n)``; over those of a single task, as ``(n,)``."""
    return column.reshape(*lead, -1)


def _rows(condition: Any, begin: int, end: int) -> Tensor | None:
    """The rows that each residual of a condition depends on; None for an unknown kind of condition."""
    rows = torch.arange(begin, end)
    if isinstance(condition, _POINTWISE):
        return rows[:, None]
    if isinstance(condition, dde.icbc.PeriodicBC):
        return rows.reshape(2, -1).T  # the points on one side, then their partners on the other
    return None


def _require_component(equation: Formulas, c: Coefficients, name: str, component: Any, error: Any) -> None:
    """Refuse the empty columns that DeepXDE returns for a component that the solution does not have."""
    if isinstance(error, Tensor) and error.ndim == 2 and error.shape[1] == 0:
        count, names = len(equation.outputs), ", ".join(equation.outputs)
        fault = f"is about component {component}, but the solution has {count} ({names}); expected 0 to {count - 1}"
        raise _error(equation, c, name, fault, "conditions")


def _require_columns(
    equation: Formulas, c: Coefficients, name: str, values: Any, expected: tuple[int, int], part: str
) -> None:
    shape = tuple(values.shape) if isinstance(values, Tensor) else None
    if shape != expected:
        found = f"is a {type(values).__name__}" if shape is None else f"has shape {shape}"
        fault = f"{found}; expected a tensor of shape {expected}: keep columns two-dimensional, as in y[:, 0:1]"
        raise _error(equation, c, name, fault, part)


def _error(equation: Formulas, c: Coefficients, name: str, fault: str, part: str) -> ResidualError:
    place = place_of(equation.stated(part))
    return ResidualError(f"the {name} of {equation.name} at {c} {fault}{place}")
