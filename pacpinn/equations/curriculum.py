"""Curriculum of a cold start: the stages at which a task is solved before, or after, it is solved as it stands.

A stage is part of a task: see :attr:`EquationTask.stage`. Easier coefficients need no stage; they are other tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import Collocation, bounding_box, until, with_time
from pacpinn.tasks.task import Block

if TYPE_CHECKING:
    from pacpinn.equations.equation_task import EquationTask

_STRIDE = 0.125  # of a coefficient's range: the largest distance between easier coefficients
_ROUGH = 1e-2  # an easier task need not be solved to less
_WEIGHTS = 0.01, 0.1  # of the equations' residuals, where the conditions are to be met first
_EASIER = 10  # times its tolerance: the accuracy of an easier task, which gives no more than a start

AnyTask = TypeVar("AnyTask", bound="EquationTask")
Place = Callable[[np.ndarray], np.ndarray]  # moves points (rows, inputs)
SquaredResiduals = Callable[[], tuple[Tensor, Tensor]]  # of a network (n,) at training points (n, inputs), with these


class Stage:
    """The task as it stands. Subclasses change its domain, its training points or the weights of its residuals."""

    seed = 0  # of the training points
    estimable = True  # whether its residuals tell the error of a solution

    def adapted(self, squares: SquaredResiduals) -> Stage:
        """The stage adapted to the residuals of a network."""
        return self

    def domain(self, geometry: Any) -> Any:
        """The part of the equation's geometry on which it is solved."""
        return geometry

    def place(self, x: np.ndarray, place: Place) -> np.ndarray:
        """The training points: by default points `x` of the domain, moved as the equation asks for."""
        return place(x)

    def at_points(self, inside: np.ndarray, seed: int) -> ChosenPoints:
        """The stage on chosen points inside its domain; others are drawn with another seed."""
        return ChosenPoints(self, inside, seed)

    def weighted(self, blocks: list[Block], batch: Collocation) -> list[Block]:
        """The residual blocks on `batch`, each residual times the root of its weight."""
        return blocks


@dataclass(frozen=True)
class Horizon(Stage):
    """The equation up to a `share` of its time interval."""

    share: float

    def domain(self, geometry: Any) -> Any:
        return until(geometry, self.share)


@dataclass(frozen=True)
class ConditionsFirst(Stage):
    """The residuals of the equations times a `weight` under 1, so that the conditions are met first.

    Where a solution is far steeper than the domain is wide, as near a small hole, a network that leaves the conditions
    alone and solves the equation by a constant is a place where a solver rests.
    """

    weight: float
    estimable = False

    def weighted(self, blocks: list[Block], batch: Collocation) -> list[Block]:
        equations, _ = of_equations(blocks, batch)
        return [replace(each, values=self.weight * each.values) for each in equations] + blocks[len(equations) :]


@dataclass(frozen=True)
class CausalWindows(Stage):
    """Causal training: later windows of the time interval count once the residual in earlier windows is small.

    The weight of window i is ``exp(-sum_{k<i} L_k)``, with the mean squared residual ``L_k`` of window k in units of
    `tolerance²` (Wang, Sankaran & Perdikaris 2022, arXiv:2203.07404).
    """

    count: int
    tolerance: float  # a residual at which a window counts as nearly solved
    begin: float  # of the time interval
    end: float
    weights: Tensor | None = None  # of the windows, (count,); None before the stage is adapted to a network
    estimable = False

    @classmethod
    def over(cls, geometry: Any, count: int, tolerance: float) -> Self:
        """Windows of the time interval of a geometry."""
        low, high = bounding_box(with_time(geometry))
        return cls(count, tolerance, float(low[-1]), float(high[-1]))

    def adapted(self, squares: SquaredResiduals) -> Self:
        found, x = squares()
        window = self._window(x)
        sums = found.new_zeros(self.count).index_add(0, window, found / self.tolerance**2)
        losses = sums / torch.bincount(window, minlength=self.count).clamp(min=1)
        return replace(self, weights=torch.exp(-(losses.cumsum(0) - losses)))

    def weighted(self, blocks: list[Block], batch: Collocation) -> list[Block]:
        if self.weights is None:
            return blocks
        equations, x = of_equations(blocks, batch)
        factors = self.weights.sqrt()[self._window(x)]
        return [replace(each, values=each.values * factors) for each in equations] + blocks[len(equations) :]

    def _window(self, x: Tensor) -> Tensor:
        """The index of each point's window, ``(rows,)``."""
        return ((x[:, -1] - self.begin) / (self.end - self.begin) * self.count).long().clamp(0, self.count - 1)


@dataclass(frozen=True, eq=False)
class ChosenPoints(Stage):
    """A stage on chosen points ``(n, inputs)`` inside its domain, in place of those that the equation asks for."""

    stage: Stage
    inside: np.ndarray
    seed: int

    def domain(self, geometry: Any) -> Any:
        return self.stage.domain(geometry)

    def place(self, x: np.ndarray, place: Place) -> np.ndarray:
        return self.inside

    def at_points(self, inside: np.ndarray, seed: int) -> ChosenPoints:
        return self.stage.at_points(inside, seed)


def easier_tasks(task: AnyTask, unit: float | None) -> list[AnyTask]:
    """Growing horizons at the easy coefficients, the path to the task's own, then conditions first, or causal training.

    The `unit` is the tolerance by which causal windows weigh residuals; by default the easier tasks' own.
    """
    equation, tolerance = task.equation, max(_EASIER * task.accuracy, _ROUGH)
    easy = equation.at(equation.easy, base=task.coefficients)
    first, *path = [task.at(c) for c in equation.space.path(easy, task.coefficients, _STRIDE)]
    easier = [first.at_stage(Horizon(share)) for share in equation.horizons]
    if path:
        easier += [first, *path[:-1]]
    if equation.conditions_first:
        easier += [task.at_stage(ConditionsFirst(weight)) for weight in _WEIGHTS]
    if equation.windows > 1:
        windows = CausalWindows.over(task.geometry, equation.windows, unit or tolerance)
        easier += [task.at_stage(windows) for _ in range(equation.windows - 1)]
    for each in easier:
        each.tolerance = tolerance
    return easier


def chosen_by_residual(found: tuple[Tensor, Tensor], count: int, seed: int) -> np.ndarray:
    """`count` points ``(count, inputs)`` out of those at which squared residuals were found.

    The likelier, the larger the residual: residual-based adaptive distribution (RAD) with its exponent and its constant
    at 1, so that half of the points follow the residual, and half are spread evenly (Wu et al. 2023,
    doi:10.1016/j.cma.2022.115671).
    """
    squares, points = (each.detach().cpu().numpy() for each in found)
    sizes = np.sqrt(squares)
    likelihood = sizes + sizes.mean() + np.finfo(float).tiny
    chosen = np.random.default_rng(seed).choice(len(sizes), count, replace=False, p=likelihood / likelihood.sum())
    return points[chosen]


def of_equations(blocks: list[Block], batch: Collocation) -> tuple[list[Block], Tensor]:
    """The blocks of the equations, without those of the conditions, and their points ``(n, inputs)``."""
    rows = blocks[0].rows
    assert rows is not None
    return blocks[: len(blocks) - len(batch.counts)], batch.x[rows[:, 0]]
