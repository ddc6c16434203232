"""The task of an equation that DeepXDE's own data object sets up: on the points that this object draws."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from torch import Tensor

from pacpinn.equations.collocation import Collocation, Points, inside
from pacpinn.equations.curriculum import ChosenPoints, Place, Stage
from pacpinn.equations.equation_task import CHOICE, ERROR_SEEDS, EquationTask
from pacpinn.equations.refined_integrals import corrections, refined
from pacpinn.equations.residuals import Outputs, Residuals
from pacpinn.equations.vertices import without_vertices
from pacpinn.runtime.deepxde_backend import dde, deepxde_defaults
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.task import Block, Forward

if TYPE_CHECKING:
    from pacpinn.equations.deepxde_equation import GivenEquation

INTEGRAL = (dde.data.IDE, dde.data.FPDE)  # a residual depends on the solution at many points


class DeepXDETask(EquationTask):
    """An equation at fixed coefficients, on the points that its data object has drawn, whatever is asked for."""

    equation: GivenEquation

    @property
    def size(self) -> int:
        return self.everything().rows

    def few(self, count: int) -> None:
        """None: the number of points is the data object's own."""

    def drawn_anew(self, seed: int) -> Self:
        other = copy.copy(self)
        other._training = self.fresh(seed)
        return other

    def _choice(self, seed: int) -> tuple[Collocation, int]:
        data = self.equation.made_without_points(self.coefficients)
        count = data.num_domain + (0 if data.anchors is None else len(data.anchors))
        return self._collocation(seed, partial(_redrawn, more=CHOICE)), count

    def _drawn_evenly(self, seed: int, least: int) -> Collocation:
        return self._collocation(seed, partial(_redrawn, least=least))

    def _drawn_with(self, chosen: np.ndarray, seed: int, more: int, least: int) -> Collocation:
        return self._collocation(seed, partial(_redrawn, chosen=chosen, more=more, least=least))

    def draw(self, points: Points, seed: int, place: Place = np.asarray) -> Collocation:
        if isinstance(self.stage, ChosenPoints):
            return self._collocation(seed, partial(_at_points, inside=self.stage.inside))
        return self._collocation(seed, None if self._domain() is self.geometry else _resampled)

    def _collocation(self, seed: int, redraw: Callable[[Any], Any] | None) -> Collocation:
        """The data object's own points; those that `redraw` draws, on the part of the geometry of the task's stage."""
        if not self._physics:
            return self._measured()
        with untouched(seed), deepxde_defaults(self.dtype, self.device):
            if redraw is None:
                data = self.equation.made(self.coefficients)
            else:
                data = redraw(_restricted(self.equation.made_without_points(self.coefficients), self.stage))
            if self._measurements:
                data.bcs = [*data.bcs, *self._observed()]
                data.resample_train_points(pde_points=False)
        counts = [int(n) for n in data.num_bcs]
        batch = DeepXDECollocation(self.tensor(data.train_x), data.train_x, [data.bcs], counts, data=data)
        return self._usable(batch)

    def _usable(self, batch: DeepXDECollocation) -> DeepXDECollocation:
        return without_vertices(batch)


class DeepXDEIntegralTask(DeepXDETask):
    """An integro-differential or fractional equation: a residual depends on the solution at many points."""

    def redrawn(self, forward: Forward, turn: int) -> None:
        """None: its points are those of its matrices."""

    def _usable(self, batch: DeepXDECollocation) -> DeepXDECollocation:
        return batch  # its matrices of weights belong to all of its points

    def error_points(self, forward: Forward, more: int, least: int) -> tuple[Collocation, Collocation]:
        """Random points, with what formulas of twice the resolution change in the residuals of the solution."""
        formulas = self._formulas()
        outputs = formulas.outputs_of(forward)

        def evaluated(batch: Collocation) -> tuple[list[Block], np.ndarray]:
            with deepxde_defaults(self.dtype, self.device):
                blocks, _ = self._evaluated(formulas, outputs, batch)
            return blocks, batch.points[sum(batch.counts) :][: len(blocks[0].values)]

        def corrected(seed: int) -> Collocation:
            batch, finer = (self._collocation(seed, each) for each in (_redrawn, lambda data: _redrawn(refined(data))))
            assert isinstance(batch, DeepXDECollocation)
            return replace(batch, corrections=corrections(*evaluated(batch), *evaluated(finer)))

        return corrected(ERROR_SEEDS[0]), corrected(ERROR_SEEDS[1])

    def unsized_blocks(self, formulas: Residuals, outputs: Outputs, batch: Collocation) -> list[Block]:
        blocks, errors = self._evaluated(formulas, outputs, batch)
        if isinstance(batch, DeepXDECollocation) and batch.corrections:
            pairs = zip(blocks, batch.corrections, strict=True)
            blocks = [replace(block, values=block.values + correction) for block, correction in pairs]
        return formulas.with_conditions(blocks, errors, batch)

    @staticmethod
    def _evaluated(formulas: Residuals, outputs: Outputs, batch: Collocation) -> tuple[list[Block], list[Any]]:
        """The blocks of the equations, and the conditions' errors."""
        assert isinstance(batch, DeepXDECollocation)
        x = batch.x.detach().requires_grad_()
        y = formulas.solution(outputs, x)
        with formulas.calling("residual"):
            errors = batch.data.losses_train(None, y, lambda _, error: error, x, None)
        count = len(errors) - len(batch.counts)
        blocks = [Block(name, each[:, 0]) for name, each in formulas.named(errors[:count], rows=len(errors[0]))]
        return blocks, [[error] for error in errors[count:]]


@dataclass(frozen=True)
class DeepXDECollocation(Collocation):
    """Points with the data object that has drawn them; perhaps with corrections of the residuals, in their units."""

    data: Any = None
    corrections: Sequence[Tensor] = ()  # of each equation (n,)


def _restricted(data: Any, stage: Stage) -> Any:
    """The data object, with its conditions, on the part of its geometry that belongs to a stage; its points not yet."""
    geometry = stage.domain(data.geom)
    if geometry is data.geom:
        return data
    data.geom = geometry
    for each in data.bcs:
        if hasattr(each, "geom"):  # sets of points have none
            each.geom = stage.domain(each.geom)
    _draw_in_place_of_anchors(data)
    if data.anchors is not None:
        data.anchors = data.anchors[inside(geometry, data.anchors)]
    return data


def _redrawn(data: Any, chosen: np.ndarray | None = None, more: int = 1, least: int = 0) -> Any:
    """The data object with other points, drawn evenly at random; as many as its anchors if it has no others.

    There are `more` times as many, `least` at least, and the `chosen` points ``(rows, inputs)`` besides. Integral
    equations keep their number of points, which their matrices need.
    """
    _draw_in_place_of_anchors(data)
    if not isinstance(data, INTEGRAL):
        data.num_domain = max(more * data.num_domain, least)
        if chosen is not None:
            data.anchors = chosen.astype(dde.config.real(np))
    data.train_distribution = "pseudo"
    return _resampled(data)


def _at_points(data: Any, inside: np.ndarray) -> Any:
    """The data object with these points ``(n, inputs)`` inside its domain, and no others there."""
    data.num_domain, data.anchors = 0, inside.astype(dde.config.real(np))
    return _resampled(data)


def _draw_in_place_of_anchors(data: Any) -> None:
    """Have points drawn where a data object has anchors alone: as many."""
    if data.num_domain == 0 and data.anchors is not None:
        data.num_domain, data.anchors = len(data.anchors), None


def _resampled(data: Any) -> Any:
    if isinstance(data, dde.data.FPDE):
        data.int_mat_train = None
    data.resample_train_points()
    return data
