"""DeepXDE's residuals as vectors, for one task of an equation or for several of its targets together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pacpinn.backend import dde
from pacpinn.coefficient import Coefficients
from pacpinn.collocation import Collocation
from pacpinn.errors import ResidualError
from pacpinn.measurements import Observed
from pacpinn.task import Block, Forward

if TYPE_CHECKING:
    from pacpinn.equation import Equation

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
    found = equation.residual(x, y, c)
    columns: list[Any] = list(found) if isinstance(found, list | tuple) else [found]
    names = _equation_names(len(columns))
    for name, column in zip(names, columns, strict=True):
        _require_column(equation, c, name, column, len(x))
    conditions = sum(batch.counts)
    own = torch.arange(conditions, batch.rows)[:, None]
    blocks = [
        Block(name, _by_target(column, batch)[..., conditions:] / scale, own)
        for name, column in zip(names, columns, strict=True)
    ]
    return _weighted(equation, c, blocks + _of_conditions(equation, c, x, y, batch), batch)


def measured_blocks(equation: Equation, c: Coefficients, outputs: Outputs, batch: Collocation) -> list[Block]:
    """One block for each column of measurements, which are all that the batch holds."""
    x = batch.x.detach().requires_grad_()
    blocks = _of_conditions(equation, c, x, solution(equation, c, outputs, x), batch)
    return [replace(block, weight=each.weight) for block, each in zip(blocks, batch.conditions[0], strict=True)]


def _of_conditions(equation: Equation, c: Coefficients, x: Tensor, y: Tensor, batch: Collocation) -> list[Block]:
    """One block for each condition, measurements among them."""
    blocks, ends = [], list(accumulate(batch.counts, initial=0))
    for i, (begin, end) in enumerate(pairwise(ends)):
        name = _condition_name(i, batch.conditions[0][i])
        errors = [
            each[i].error(batch.points, x, y, k * batch.rows + begin, k * batch.rows + end)
            for k, each in enumerate(batch.conditions)
        ]
        rows = _rows(batch.conditions[0][i], begin, end)
        for error in errors:
            _require_column(equation, c, name, error, len(error) if rows is None else len(rows))
        blocks.append(Block(name, _by_target(torch.cat(errors), batch), rows))
    return blocks


def solution(equation: Equation, c: Coefficients, outputs: Outputs, x: Tensor) -> Tensor:
    """The solution ``(rows, outputs)`` at points `x` ``(rows, inputs)``."""
    y = equation.transform(x, outputs(x), c)
    if tuple(y.shape) != (len(x), len(equation.outputs)):
        raise ResidualError(
            f"the solution of {equation.name} at {c} has shape {tuple(y.shape)}; {expected_of(equation, len(x))}"
        )
    return y


def expected_of(equation: Equation, rows: int) -> str:
    """What an array of the solution's values should have looked like."""
    outputs = equation.outputs
    return f"expected ({rows}, {len(outputs)}) for {', '.join(outputs)}: keep columns apart, as in x[:, 0:1]"


def _equation_names(count: int) -> list[str]:
    return ["residual"] if count == 1 else [f"residual {i + 1}" for i in range(count)]


def _condition_name(i: int, condition: Any) -> str:
    if isinstance(condition, Observed):
        return f"measured {condition.name}"
    return f"condition {i + 1} ({type(condition).__name__})"


def _by_target(column: Tensor, batch: Collocation) -> Tensor:
    """A column over the rows of all targets, as ``(targets, n)``; of a task by itself as ``(n,)``."""
    return column.view(*batch.lead, -1)


def _weighted(equation: Equation, c: Coefficients, blocks: list[Block], batch: Collocation) -> list[Block]:
    for block in blocks:
        if not block.values.numel():
            raise ResidualError(
                f"the {block.name} of {equation.name} at {c} has no points; expected some: "
                "ask for them, as in points = Points(boundary=80, initial=80), and check where the condition holds"
            )
    measured = [each.weight for each in batch.conditions[0] if isinstance(each, Observed)]
    stated = blocks[: len(blocks) - len(measured)]
    weights = equation.weights or [1.0] * len(stated)
    if len(weights) != len(stated):
        raise ResidualError(
            f"{equation.name} has {len(weights)} weights; expected {len(stated)}, for: "
            + ", ".join(block.name for block in stated)
        )
    weights = [*weights, *measured]
    return [replace(block, weight=weight) for block, weight in zip(blocks, weights, strict=True)]


def _rows(condition: Any, begin: int, end: int) -> Tensor | None:
    """The rows that each residual of a condition depends on; None for a kind of condition that is not known."""
    rows = torch.arange(begin, end)
    if isinstance(condition, _POINTWISE):
        return rows[:, None]
    if isinstance(condition, dde.icbc.PeriodicBC):
        return rows.reshape(2, -1).T  # the points on one side, then their partners on the other
    return None


def _require_column(equation: Equation, c: Coefficients, name: str, values: Any, rows: int) -> None:
    shape = tuple(values.shape) if isinstance(values, Tensor) else None
    if shape != (rows, 1):
        found = f"is a {type(values).__name__}" if shape is None else f"has shape {shape}"
        raise ResidualError(
            f"the {name} of {equation.name} at {c} {found}; expected a tensor of shape "
            f"({rows}, 1): keep columns two-dimensional, as in y[:, 0:1]"
        )
