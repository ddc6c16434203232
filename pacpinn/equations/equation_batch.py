"""Several targets of one equation as one task: one pass through network and residual serves all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import Collocation
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.residuals import Residuals
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Block, Forward, LeastSquaresTask, Score, Task

_AGREEMENT = 1e-4  # relative and absolute, of residuals in a batch with those one by one; holds in float32 too


class EquationBatch(LeastSquaresTask):
    """Tasks of one equation, with equally many points, as one task: values have a leading axis of targets.

    The equation's formulas see each coefficient as a column ``(rows, 1)``, with the value of a point's own target.
    """

    def __init__(self, tasks: Sequence[EquationTask]) -> None:
        first = tasks[0]
        self.tasks = list(tasks)
        self.equation, self.tolerance = first.equation, first.tolerance
        self.dtype, self.device = first.dtype, first.device
        self.lead = (len(tasks),)
        self._training: Collocation | None = None

    @property
    def penalty(self) -> float:
        return self.tasks[0].penalty

    def only(self, places: Sequence[int]) -> EquationBatch:
        return EquationBatch([self.tasks[k] for k in places])

    def everything(self) -> Collocation:
        if self._training is None:
            self._training = self._together([each.everything() for each in self.tasks])
        return self._training

    def fresh(self, seed: int, least: int = 0) -> Collocation:
        return self._together([each.fresh(seed, least) for each in self.tasks])

    def inputs(self, batch: Collocation) -> Tensor:
        return self.equation.features(batch.x, self._columns(batch))

    def residuals(self, forward: Forward, batch: Collocation) -> list[Block]:
        with deepxde_defaults(self.dtype, self.device):
            formulas = Residuals(self.equation, self._columns(batch))
            return formulas.blocks(formulas.outputs_of(forward), batch)

    def score(self, forward: Forward) -> Score | None:
        """None: each target has a score of its own."""

    def _columns(self, batch: Collocation) -> Columns:
        return Columns([each.coefficients for each in self.tasks], batch.rows, batch.x)

    def _together(self, parts: Sequence[Collocation]) -> Collocation:
        # DeepXDE's conditions cache values by the identity of the points: these points need conditions of their own.
        conditions = [each.conditions() for each in self.tasks]
        x, points = torch.cat([each.x for each in parts]), np.concatenate([each.points for each in parts])
        return Collocation(x, points, conditions, parts[0].counts, (len(parts),))


class Columns(Coefficients):
    """Coefficients of several targets with `rows` rows each: columns with the value of each row's target."""

    several = True

    def __init__(self, targets: Sequence[Coefficients], rows: int, like: Tensor) -> None:
        self.__dict__["_values"] = {
            name: like.new_tensor([each[name] for each in targets]).repeat_interleave(rows)[:, None]
            for name in targets[0]
        }
        self.__dict__["_targets"] = tuple(targets)

    def each(self) -> tuple[Coefficients, ...]:
        return self.__dict__["_targets"]

    def __str__(self) -> str:
        first, *others = self.each()
        return f"{first} and {len(others)} more"


def batch_of(tasks: Sequence[Task]) -> EquationBatch | None:
    """The tasks as a batch; None if they are not equations, or equations whose formulas do not accept columns.

    The formulas are tried out: the batch must give the same residuals as the tasks one by one. It does not if a formula
    takes, for example, ``math.exp`` of a coefficient, or if the number of points depends on a coefficient.
    """
    equations = [each for each in tasks if isinstance(each, EquationTask)]
    points = [each.everything() for each in equations]
    if len(equations) < len(tasks) or len({(each.rows, *each.counts) for each in points}) > 1:
        return None
    batch = EquationBatch(equations)
    return batch if _takes_columns(batch) else None


def taken_together(together: Callable[[], list[Block]], alone: Sequence[list[Block]], agreement: float) -> bool:
    """Whether a batch of targets has the same residual blocks as the targets `alone`.

    `together` gives the batch's; an exception in it counts as no. `agreement`: relative and absolute tolerance.
    """
    try:
        found = together()
    except Exception:
        return False
    return all(
        block.values[k].shape == one.values.shape and torch.allclose(block.values[k], one.values, agreement, agreement)
        for k, own in enumerate(alone)
        for block, one in zip(found, own, strict=True)
    )


def _takes_columns(batch: EquationBatch) -> bool:
    def wave(x: Tensor) -> Tensor:
        return torch.sin(x.sum(dim=1, keepdim=True) + torch.arange(len(batch.equation.outputs), device=x.device))

    alone = [each.residuals(wave, each.everything()) for each in batch.tasks]
    pointwise = all(block.rows is not None for block in alone[0])
    return pointwise and taken_together(lambda: batch.residuals(wave, batch.everything()), alone, _AGREEMENT)
