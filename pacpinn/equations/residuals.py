"""DeepXDE's residuals as vectors, for one task of an equation or for several of its targets together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pacpinn.equations.collocation import Collocation
from pacpinn.equations.measurements import Observed
from pacpinn.errors import ResidualError
from pacpinn.runtime.deepxde_backend import dde
from pacpinn.runtime.user_code import naming_user_code, place_of
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Block, Forward

if TYPE_CHECKING:
    from pacpinn.equations.equation import Equation

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


Outputs = Callable[[Tensor], Tensor]  # what stands before the equation's transform, as a function of points


def outputs_of(equation: Equation, c: Coefficients, forward: Forward) -> Outputs:
    """A network's outputs as a function of points `x` ``(rows, inputs)``."""
    return lambda x: forward(equation.features(x, c))


def residual_blocks(
    equation: Equation, c: Coefficients, scale: Tensor | float, outputs: Outputs, batch: Collocation
) -> list[Block]:
    """One block for each equation, in units of its scale, then one for each condition.

    Args:
        equation: the family.
        c: the coefficients, as numbers or as columns ``(rows, 1)``.
        scale: of the equation's terms, a number or ``(targets, 1)``.
        outputs: the network's, or of whatever else solves the equation.
        batch: the points of one task or of several.

    Raises:
        ResidualError: if a residual or the solution has the wrong shape, or a condition has no points.
    """
    x = batch.x.detach().requires_grad_()
    y = solution(equation, c, outputs, x)
    with naming_user_code(equation.stated("residual"), f"the residual of {equation.name} at {c}"):
        found = equation.residual(x, y, c)
    columns = list(found) if isinstance(found, list | tuple) else [found]
    conditions = sum(batch.counts)
    own = torch.arange(conditions, batch.rows)[:, None]
    blocks = [
        Block(name, _by_target(column, batch.lead)[..., conditions:] / scale, own)
        for name, column in named(equation, c, columns, len(x))
    ]
    return weighted(equation, c, blocks + _of_conditions(equation, c, x, y, batch), batch.conditions[0])


def measured_blocks(equation: Equation, c: Coefficients, outputs: Outputs, batch: Collocation) -> list[Block]:
    """One block for each column of measurements, which are all that the batch holds."""
    x = batch.x.detach().requires_grad_()
    blocks = _of_conditions(equation, c, x, solution(equation, c, outputs, x), batch)
    return [replace(block, weight=each.weight) for block, each in zip(blocks, batch.conditions[0], strict=True)]


def _of_conditions(equation: Equation, c: Coefficients, x: Tensor, y: Tensor, batch: Collocation) -> list[Block]:
    """One block for each condition, measurements among them."""
    blocks, ends = [], accumulate(batch.counts, initial=0)
    for i, (begin, end) in enumerate(pairwise(ends)):
        with naming_user_code(equation.stated("conditions"), f"condition {i + 1} of {equation.name} at {c}"):
            errors = [
                each[i].error(batch.points, x, y, k * batch.rows + begin, k * batch.rows + end)
                for k, each in enumerate(batch.conditions)
            ]
        blocks.append(condition_block(equation, c, i, batch.conditions[0][i], errors, (begin, end), batch.lead))
    return blocks


def named(
    equation: Equation, c: Coefficients, columns: Sequence[Any], rows: int | None
) -> Iterator[tuple[str, Tensor]]:
    """Residuals of the equations with their names, checked: each a column, of so many `rows` if they are known."""
    for i, column in enumerate(columns):
        name = "residual" if len(columns) == 1 else f"residual {i + 1}"
        if rows is None and isinstance(column, Tensor):
            rows = len(column)
        _require_columns(equation, c, name, column, (rows or 0, 1), equation.stated("residual"))
        yield name, column


def condition_block(
    equation: Equation,
    c: Coefficients,
    i: int,
    condition: Any,
    errors: Sequence[Tensor],
    ends: tuple[int, int],
    lead: tuple[int, ...] = (),
) -> Block:
    """The block of one condition.

    Args:
        equation, c: for messages.
        i: which of the equation's conditions it is.
        condition: DeepXDE's object.
        errors: what it gives for each target, ``(n, 1)``; or ``(n, components)`` for a list of components.
        ends: its first row, and that after its last.
        lead: leading shape by target.
    """
    name, rows = _condition_name(i, condition), _rows(condition, *ends)
    component = getattr(condition, "component", 0)
    width = len(component) if isinstance(component, list | tuple) else 1
    for error in errors:
        count = len(rows) if rows is not None else len(error) if isinstance(error, Tensor) else 0
        if isinstance(error, Tensor) and error.ndim == 2 and error.shape[1] == 0:
            raise ResidualError(
                f"the {name} of {equation.name} at {c} is about component {component}, but the solution has "
                f"{len(equation.outputs)} ({', '.join(equation.outputs)}); expected 0 to {len(equation.outputs) - 1}"
                + place_of(equation.stated("conditions"))
            )
        _require_columns(equation, c, name, error, (count, width), equation.stated("conditions"))
    by_component = torch.cat([error.T.reshape(-1, 1) for error in errors])
    return Block(name, _by_target(by_component, lead), None if rows is None else rows.repeat(width, 1))


def _condition_name(i: int, condition: Any) -> str:
    if isinstance(condition, Observed):
        return f"measured {condition.name}"
    return f"condition {i + 1} ({type(condition).__name__})"


def solution(equation: Equation, c: Coefficients, outputs: Outputs, x: Tensor) -> Tensor:
    """The solution ``(rows, outputs)`` at points `x` ``(rows, inputs)``."""
    y = outputs(x)
    with naming_user_code(equation.stated("transform"), f"the transform of {equation.name} at {c}"):
        y = equation.transform(x, y, c)
    if tuple(y.shape) != (len(x), len(equation.outputs)):
        raise ResidualError(
            f"the solution of {equation.name} at {c} has shape {tuple(y.shape)}; {expected_of(equation, len(x))}"
            + place_of(equation.stated("transform"))
        )
    return y


def expected_of(equation: Equation, rows: int) -> str:
    """What an array of the solution's values should have looked like."""
    outputs = equation.outputs
    return f"expected ({rows}, {len(outputs)}) for {', '.join(outputs)}: keep columns apart, as in x[:, 0:1]"


def _by_target(column: Tensor, lead: tuple[int, ...]) -> Tensor:
    """Columns over the rows of all targets, as ``(targets, n)``; of a task by itself as ``(n,)``."""
    return column.reshape(*lead, -1)


def weighted(equation: Equation, c: Coefficients, blocks: list[Block], conditions: Sequence[Any]) -> list[Block]:
    """The blocks with the equation's loss weights; measurements, last among the `conditions`, have their own.

    Raises:
        ResidualError: if one has no points, or there are not as many weights as blocks.
    """
    for block in blocks:
        if not block.values.numel():
            raise ResidualError(
                f"the {block.name} of {equation.name} at {c} has no points; expected some: "
                "ask for them, as in points = Points(boundary=80, initial=80), and check where the condition holds"
                + place_of(equation.stated("conditions"))
            )
    measured = [each.weight for each in conditions if isinstance(each, Observed)]
    stated = blocks[: len(blocks) - len(measured)]
    weights = equation.weights or [1.0] * len(stated)
    if len(weights) != len(stated):
        raise ResidualError(
            f"{equation.name} has {len(weights)} weights; expected {len(stated)}, for: "
            + ", ".join(block.name for block in stated)
            + place_of(type(equation))
        )
    return [replace(block, weight=weight) for block, weight in zip(blocks, [*weights, *measured], strict=True)]


def _rows(condition: Any, begin: int, end: int) -> Tensor | None:
    """The rows that each residual of a condition depends on; None for a kind of condition that is not known."""
    rows = torch.arange(begin, end)
    if isinstance(condition, _POINTWISE):
        return rows[:, None]
    if isinstance(condition, dde.icbc.PeriodicBC):
        return rows.reshape(2, -1).T  # the points on one side, then their partners on the other
    return None


def _require_columns(
    equation: Equation, c: Coefficients, name: str, values: Any, expected: tuple[int, int], function: Any
) -> None:
    shape = tuple(values.shape) if isinstance(values, Tensor) else None
    if shape != expected:
        found = f"is a {type(values).__name__}" if shape is None else f"has shape {shape}"
        raise ResidualError(
            f"the {name} of {equation.name} at {c} {found}; expected a tensor of shape {expected}: keep columns "
            f"two-dimensional, as in y[:, 0:1]{place_of(function)}"
        )
