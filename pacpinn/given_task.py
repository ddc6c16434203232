"""Tasks on the points of DeepXDE's own data objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pacpinn.backend import dde, deepxde_defaults
from pacpinn.collocation import Collocation, Points
from pacpinn.equation_residuals import condition_block, named, outputs_of, solution, weighted
from pacpinn.equation_task import EquationTask
from pacpinn.isolation import untouched
from pacpinn.task import Block, Forward
from pacpinn.whereabouts import blaming

if TYPE_CHECKING:
    from pacpinn.given_equation import GivenEquation

INTEGRAL = (dde.data.IDE, dde.data.FPDE)  # their residuals take the solution at many points each


class GivenTask(EquationTask):
    """An equation at fixed coefficients, on the points that its data object has drawn."""

    equation: GivenEquation

    @property
    def size(self) -> int:
        return self.everything().rows

    def few(self, count: int) -> None:
        """None: the data object draws as many points as it does."""
        return

    def drawn_anew(self, seed: int) -> Self:
        other = super().drawn_anew(seed)
        other._training = self.fresh(seed)
        return other

    def fresh(self, seed: int) -> Collocation:
        if seed not in self._fresh:
            self._fresh[seed] = self._collocation(seed, _redrawn)
        return self._fresh[seed]

    def _draw(self, points: Points, seed: int, place: Callable[[np.ndarray], np.ndarray] = np.asarray) -> Collocation:
        return self._collocation(seed, lambda data: data)

    def _collocation(self, seed: int, prepare: Callable[[Any], Any]) -> Collocation:
        if not self._physics:
            return self._measured()
        with untouched(seed), deepxde_defaults(self.dtype, self.device):
            data = prepare(self.equation.made(self.coefficients))
            if self._measurements:
                data.bcs = [*data.bcs, *self._observed()]
                data.resample_train_points(pde_points=False)
        counts = [int(n) for n in data.num_bcs]
        return GivenCollocation(self.tensor(data.train_x), data.train_x, [data.bcs], counts, data=data)


class IntegralTask(GivenTask):
    """Integro-differential and fractional equations: each residual takes the solution at many points."""

    def residuals(self, forward: Forward, batch: Collocation) -> list[Block]:
        if not isinstance(batch, GivenCollocation):  # measurements alone
            return super().residuals(forward, batch)
        equation, c, data = self.equation, self.coefficients, batch.data
        with deepxde_defaults(self.dtype, self.device):
            x = batch.x.detach().requires_grad_()
            y = solution(equation, c, outputs_of(equation, c, forward), x)
            with blaming(equation.stated("residual"), f"the residual of {equation.name} at {c}"):
                errors = data.losses_train(None, y, lambda _, error: error, x, None)
        equations = len(errors) - len(batch.counts)
        ends = pairwise(accumulate(batch.counts, initial=0))
        blocks = [Block(name, each[:, 0] / self.scale) for name, each in named(equation, c, errors[:equations], None)]
        for i, (condition, error, own) in enumerate(zip(data.bcs, errors[equations:], ends, strict=True)):
            blocks.append(condition_block(equation, c, i, condition, [error], own))
        return weighted(equation, c, blocks, data.bcs)


@dataclass(frozen=True)
class GivenCollocation(Collocation):
    """Points with the data object that has drawn them."""

    data: Any = None


def _redrawn(data: Any) -> Any:
    """Other points, drawn evenly at random; as many as there are anchors where there are no others."""
    if data.num_domain == 0 and data.anchors is not None:
        data.num_domain, data.anchors = len(data.anchors), None
    data.train_distribution = "pseudo"
    if isinstance(data, dde.data.FPDE):
        data.int_mat_train = None
    data.resample_train_points()
    return data
