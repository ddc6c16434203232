"""Assembly of the reduced problem: the equation's residuals as functions of coordinates in a basis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import Collocation
from pacpinn.equations.equation import Equation
from pacpinn.equations.equation_batch import Columns, taken_together
from pacpinn.equations.residuals import Residuals
from pacpinn.networks.residual_blocks import join_blocks, rowwise_jacobian
from pacpinn.reduced_basis.derivative_tables import Combination, DerivativeTable
from pacpinn.reduced_basis.pod import with_mean
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Block

_AGREEMENT = 1e-8  # relative: residuals of several coefficients at once against those one by one


class Linearisation(NamedTuple):
    """Residuals ``(k, m)`` and their Jacobian by the coordinates ``(k, m, modes)``."""

    residuals: Tensor
    jacobian: Tensor


class ReducedResidual:
    """The equation's residuals on fixed points, as functions of the coefficients and of the coordinates in a basis.

    Of the points' own conditions only the types and the numbers of points are used. The table is that of the basis at
    the points, its mean first.
    """

    def __init__(self, equation: Equation, points: Collocation, table: DerivativeTable) -> None:
        self.equation, self.points, self.table = equation, points, table
        self._together: bool | None = None  # whether the formulas take columns of coefficients, once it is known
        self._latest: tuple[tuple[Coefficients, ...], Collocation] | None = None  # a solve asks for the same ones again

    def residuals(self, cs: Sequence[Coefficients], b: Tensor) -> Tensor:
        """Residuals ``(k, m)`` at `cs` and coordinates `b` ``(k, modes)``; their squares sum to the loss."""
        return torch.cat([join_blocks(self._blocks(*batch)[0]).detach() for batch in self._batches(cs, b)])

    def linearise(self, cs: Sequence[Coefficients], b: Tensor) -> Linearisation:
        """Residuals with their Jacobian."""
        found = [_linearised(*self._blocks(*batch)) for batch in self._batches(cs, b)]
        return Linearisation(*(torch.cat(parts) for parts in zip(*found, strict=True)))

    def blocks(self, c: Coefficients, b: Tensor) -> list[Block]:
        """Residual blocks at one coefficient and coordinates `b` ``(modes,)``."""
        return self._blocks([c], b[None])[0]

    def restricted(self, rows: Tensor) -> ReducedResidual:
        """The equation on the points with sorted indices `rows`. Points that a condition pairs must stay together."""
        indices = rows.numpy(force=True)
        counts = np.diff(np.searchsorted(indices, np.cumsum([0, *self.points.counts]))).tolist()
        points = replace(self.points, x=self.points.x[rows], points=self.points.points[indices], counts=counts)
        return ReducedResidual(self.equation, points, self.table.restricted(rows))

    def _batches(self, cs: Sequence[Coefficients], b: Tensor) -> list[tuple[Sequence[Coefficients], Tensor]]:
        """All at once; one by one if the equation's formulas do not take columns of coefficients."""
        if len(cs) > 1 and self._together is None:
            alone = [self.blocks(c, own) for c, own in zip(cs[:2], b[:2], strict=True)]
            self._together = taken_together(lambda: self._blocks(cs[:2], b[:2])[0], alone, _AGREEMENT)
        if len(cs) == 1 or self._together:
            return [(cs, b)]
        return [([c], b[k : k + 1]) for k, c in enumerate(cs)]

    def _blocks(self, cs: Sequence[Coefficients], b: Tensor) -> tuple[list[Block], Combination]:
        x, combination = self.points.x, Combination(self.table, with_mean(b))
        with deepxde_defaults(x.dtype, x.device):
            c = cs[0] if len(cs) == 1 else Columns(cs, self.points.rows, x)
            return Residuals(self.equation, c).blocks(combination, self._batch(tuple(cs))), combination

    def _batch(self, cs: tuple[Coefficients, ...]) -> Collocation:
        """The points for each of the coefficients, with conditions that remember values at them."""
        if self._latest is None or self._latest[0] != cs:
            points, equation = self.points, self.equation
            conditions = [list(equation.new_conditions(c)) if points.counts else [] for c in cs]
            repeated = points.x.repeat(len(cs), 1), np.tile(points.points, (len(cs), 1))
            self._latest = cs, Collocation(*repeated, conditions, points.counts, (len(cs),) if len(cs) > 1 else ())
        return self._latest[1]


def _linearised(blocks: list[Block], combination: Combination) -> Linearisation:
    residuals = join_blocks(blocks)
    targets = len(residuals)
    if any(block.rows is None for block in blocks):  # a residual that mixes rows: one backward pass for each residual
        gradients = [combination.row_gradients(each.sum(), True) for each in residuals.unbind(1)]
        jacobian = torch.stack([each.unflatten(0, (targets, -1)).sum(1) for each in gradients], dim=1)
    else:
        jacobian = rowwise_jacobian(combination.row_gradients, blocks, targets)
    return Linearisation(residuals.detach(), jacobian[..., 1:])  # the weight of the mean is fixed
