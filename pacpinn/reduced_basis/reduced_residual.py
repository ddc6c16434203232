"""Assembly of the reduced problem: the equation's residuals as functions of coordinates in a basis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

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
from pacpinn.reduced_basis.snapshots import Snapshots
from pacpinn.runtime.deepxde_backend import dde, deepxde_defaults
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Block

_ON_FIXED_POINTS = (dde.icbc.PointSetBC, dde.icbc.PointSetOperatorBC)  # one prescribed value for each point
_AGREEMENT = 1e-8  # relative: residuals of several coefficients at once against those one by one


class Linearisation(NamedTuple):
    """Residuals ``(k, m)`` and their Jacobian by the coordinates ``(k, m, modes)``."""

    residuals: Tensor
    jacobian: Tensor


class ReducedResidual:
    """The equation's residuals on fixed points, as functions of the coefficients and of the coordinates in a basis.

    Args:
        equation: the family.
        points: where residuals are evaluated. Its conditions may be those of any member: only their types and numbers
            of points are used.
        table: the basis there, its mean first.
    """

    def __init__(self, equation: Equation, points: Collocation, table: DerivativeTable) -> None:
        self.equation, self.points, self.table = equation, points, table
        self._together: bool | None = None  # whether the formulas take columns of coefficients, once it is known

    @property
    def rows(self) -> int:
        """Number of points."""
        return len(self.points.x)

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

    def inseparable(self) -> list[int]:
        """Indices of the conditions that cannot be evaluated on a part of their points."""
        return [i for i, each in enumerate(self.points.conditions[0]) if isinstance(each, _ON_FIXED_POINTS)]

    def restricted(self, rows: Tensor) -> ReducedResidual:
        """The equation on the points with sorted indices `rows`. Points that a condition pairs must stay together."""
        indices = rows.numpy(force=True)
        ends = np.cumsum([0, *self.points.counts])
        counts = np.histogram(indices, bins=[*ends, self.rows])[0] if len(ends) > 1 else [0]
        points = Collocation(
            self.points.x[rows],
            self.points.points[indices],
            self.points.conditions,
            [int(n) for n in counts[: len(ends) - 1]],
        )
        return ReducedResidual(self.equation, points, self.table.restricted(rows))

    def _batches(self, cs: Sequence[Coefficients], b: Tensor) -> list[tuple[Sequence[Coefficients], Tensor]]:
        """All at once; one by one if the equation's formulas do not take columns of coefficients."""
        if len(cs) > 1 and self._together is None:
            self._together = self._takes_columns(cs[:2], b[:2])
        if len(cs) == 1 or self._together:
            return [(cs, b)]
        return [([c], b[k : k + 1]) for k, c in enumerate(cs)]

    def _takes_columns(self, cs: Sequence[Coefficients], b: Tensor) -> bool:
        alone = [self.blocks(c, own) for c, own in zip(cs, b, strict=True)]
        return taken_together(lambda: self._blocks(cs, b)[0], alone, _AGREEMENT)

    def _blocks(self, cs: Sequence[Coefficients], b: Tensor) -> tuple[list[Block], Combination]:
        x = self.points.x
        combination = Combination(self.table, with_mean(b))
        with deepxde_defaults(x.dtype, x.device):
            batch = self._repeated_points(cs)
            scales = [self.equation.scale(c) for c in cs]
            if len(cs) == 1:
                return Residuals(self.equation, cs[0]).blocks(scales[0], combination, batch), combination
            c, scale = Columns(cs, self.rows, x), x.new_tensor(scales)[:, None]
            return Residuals(self.equation, c).blocks(scale, combination, batch), combination

    def _repeated_points(self, cs: Sequence[Coefficients]) -> Collocation:
        """The points once for each of the coefficients, which have conditions of their own."""
        x, points, counts = self.points.x, self.points.points, self.points.counts
        conditions = [self._conditions(c) if counts else [] for c in cs]
        if len(cs) == 1:
            return Collocation(x, points, conditions, counts)
        return Collocation(x.repeat(len(cs), 1), np.tile(points, (len(cs), 1)), conditions, counts, (len(cs),))

    def _conditions(self, c: Coefficients) -> list[Any]:
        return list(self.equation.conditions(self.equation.geometry(c), c))


def _linearised(blocks: list[Block], combination: Combination) -> Linearisation:
    residuals = join_blocks(blocks)
    targets = len(residuals)
    if any(block.rows is None for block in blocks):  # a residual that mixes rows: one backward pass for each residual
        gradients = [combination.row_gradients(each.sum(), True) for each in residuals.unbind(1)]
        jacobian = torch.stack([each.unflatten(0, (targets, -1)).sum(1) for each in gradients], dim=1)
    else:
        jacobian = rowwise_jacobian(combination.row_gradients, blocks, targets)
    return Linearisation(residuals.detach(), jacobian[..., 1:])  # the weight of the mean is fixed


class Assembly:
    """The members' tables on training and check points, and the equation's residuals there in any basis of them.

    Args:
        snapshots: the members. Those that are added later are not part of this assembly.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        self.equation, self.members = snapshots.equation, list(snapshots.members)
        self.training, self.check = snapshots.training, snapshots.check
        self.training_table = DerivativeTable.joined([each.training for each in self.members])
        self.check_table = DerivativeTable.joined([each.check for each in self.members])

    def on_training(self, modes: Tensor) -> ReducedResidual:
        """The equation on the training points, in a basis with these `modes` (as of :class:`PODBasis`)."""
        return ReducedResidual(self.equation, self.training, self.training_table.combined(modes))

    def on_check(self, modes: Tensor) -> ReducedResidual:
        """The same on the check points."""
        return ReducedResidual(self.equation, self.check, self.check_table.combined(modes))

    def outputs(self, x: Tensor) -> Tensor:
        """Outputs of all members' networks at points `x` ``(rows, inputs)``: ``(rows, outputs, members)``."""
        with torch.no_grad(), deepxde_defaults(x.dtype, x.device):
            return torch.stack([each.function(x) for each in self.members], dim=-1)

    def solution(self, c: Coefficients, outputs: Tensor, x: Tensor) -> Tensor:
        """The solution ``(rows, outputs)`` at points `x`, where a network's outputs would be `outputs`."""
        with torch.no_grad(), deepxde_defaults(x.dtype, x.device):
            return Residuals(self.equation, c).solution(lambda _: outputs, x)
