"""An equation at any coefficients, its solution sought among combinations of tabulated functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import Collocation
from pacpinn.equations.equation import Equation
from pacpinn.equations.equation_batch import Columns, taken_together
from pacpinn.equations.residuals import residual_blocks
from pacpinn.networks.residual_blocks import join_blocks, rowwise_jacobian
from pacpinn.reduced_basis.derivative_tables import Combination, DerivativeTable
from pacpinn.reduced_basis.pod import with_mean
from pacpinn.runtime.deepxde_backend import dde, deepxde_defaults
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Block

_WHOLE = (dde.icbc.PointSetBC, dde.icbc.PointSetOperatorBC)  # have one value for each of their points
_AGREEMENT = 1e-8  # of residuals together with those one by one


class Linear(NamedTuple):
    """Residuals ``(k, m)`` and their Jacobian by the coordinates ``(k, m, modes)``."""

    residuals: Tensor
    jacobian: Tensor


class ReducedResidual:
    """Residuals of an equation on fixed points, as functions of coefficients and of coordinates in a span.

    Args:
        equation: the family.
        points: where residuals are asked for, and the conditions of some member, of which kinds and counts are taken.
        table: the span's mean and its modes there.
    """

    def __init__(self, equation: Equation, points: Collocation, table: DerivativeTable) -> None:
        self.equation, self.points, self.table = equation, points, table
        self._together: bool | None = None

    @property
    def rows(self) -> int:
        """How many points there are."""
        return len(self.points.x)

    def residuals(self, cs: Sequence[Coefficients], b: Tensor) -> Tensor:
        """Residuals ``(k, m)``, whose squares sum to the loss, at `cs` and coordinates `b` ``(k, modes)``."""
        return torch.cat([join_blocks(self._blocks(*part)[0]).detach() for part in self._parts(cs, b)])

    def linearise(self, cs: Sequence[Coefficients], b: Tensor) -> Linear:
        """Residuals with their Jacobian."""
        parts = [self._linearised(*self._blocks(*part)) for part in self._parts(cs, b)]
        return Linear(torch.cat([each.residuals for each in parts]), torch.cat([each.jacobian for each in parts]))

    def at(self, rows: Tensor) -> ReducedResidual:
        """The equation on some of the points: a sorted list of indices, which must keep what a condition pairs."""
        ends = np.cumsum([0, *self.points.counts])
        counts = np.histogram(rows.numpy(force=True), bins=[*ends, self.rows])[0] if len(ends) > 1 else [0]
        points = Collocation(
            self.points.x[rows],
            self.points.points[rows.numpy(force=True)],
            self.points.conditions,
            [int(n) for n in counts[: len(ends) - 1]],
        )
        return ReducedResidual(self.equation, points, self.table.at(rows))

    def blocks(self, c: Coefficients, b: Tensor) -> list[Block]:
        """Residual blocks at one coefficient and coordinates `b` ``(modes,)``."""
        return self._blocks([c], b[None])[0]

    def inseparable(self) -> list[int]:
        """Which conditions need all of their points."""
        return [i for i, each in enumerate(self.points.conditions[0]) if isinstance(each, _WHOLE)]

    def _parts(self, cs: Sequence[Coefficients], b: Tensor) -> list[tuple[Sequence[Coefficients], Tensor]]:
        """All at once, or one by one if the equation's formulas do not take columns of coefficients."""
        if len(cs) > 1 and self._together is None:
            self._together = self._takes_columns(cs[:2], b[:2])
        if len(cs) == 1 or self._together:
            return [(cs, b)]
        return [([c], b[k : k + 1]) for k, c in enumerate(cs)]

    def _takes_columns(self, cs: Sequence[Coefficients], b: Tensor) -> bool:
        alone = [self._blocks([c], own[None])[0] for c, own in zip(cs, b, strict=True)]
        return taken_together(lambda: self._blocks(cs, b)[0], alone, _AGREEMENT)

    def _blocks(self, cs: Sequence[Coefficients], b: Tensor) -> tuple[list[Block], Combination]:
        x = self.points.x
        combination = Combination(self.table, with_mean(b))
        with deepxde_defaults(x.dtype, x.device):
            batch = self._batch(cs)
            scales = [self.equation.scale(c) for c in cs]
            if len(cs) == 1:
                return residual_blocks(self.equation, cs[0], scales[0], combination, batch), combination
            c, scale = Columns(cs, self.rows, x), x.new_tensor(scales)[:, None]
            return residual_blocks(self.equation, c, scale, combination, batch), combination

    def _batch(self, cs: Sequence[Coefficients]) -> Collocation:
        x, points, counts = self.points.x, self.points.points, self.points.counts
        conditions = [self._conditions(c) if counts else [] for c in cs]
        if len(cs) == 1:
            return Collocation(x, points, conditions, counts)
        return Collocation(x.repeat(len(cs), 1), np.tile(points, (len(cs), 1)), conditions, counts, (len(cs),))

    def _conditions(self, c: Coefficients) -> list[Any]:
        return list(self.equation.conditions(self.equation.geometry(c), c))

    @staticmethod
    def _linearised(blocks: list[Block], combination: Combination) -> Linear:
        residuals = join_blocks(blocks)
        targets = len(residuals)
        if any(block.rows is None for block in blocks):
            columns = [combination.columns(each.sum(), True) for each in residuals.unbind(1)]
            jacobian = torch.stack([each.unflatten(0, (targets, -1)).sum(1) for each in columns], dim=1)
        else:
            jacobian = rowwise_jacobian(combination.columns, blocks, targets)
        return Linear(residuals.detach(), jacobian[..., 1:])
