"""Curriculum of a cold start: the stages at which a task is solved before, or after, it is solved as it stands.

A stage is part of a task: see :attr:`EquationTask.stage`. Easier coefficients need no stage; they are other tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import Collocation, Points, bounding_box, until, with_time
from pacpinn.tasks.task import Block

_CANDIDATES = 10  # candidate points for each point chosen by its residual
_CANDIDATES_SEED = 1000  # of the first draw; other than those of fresh points, on which solutions are checked

Place = Callable[[np.ndarray], np.ndarray]  # moves points (rows, inputs)
# Squared residuals (n,) of a network and their points (n, inputs): the training points, or points drawn with a seed.
SquaredResiduals = Callable[[Points | None, int], tuple[Tensor, Tensor]]


class Stage:
    """The task as it stands. Subclasses change its domain, its training points or the weights of its residuals."""

    seed = 0  # of the training points

    def adapted(self, squares: SquaredResiduals) -> Stage:
        """The stage adapted to the residuals of a network."""
        return self

    def domain(self, geometry: Any) -> Any:
        """The part of the equation's geometry on which it is solved."""
        return geometry

    def place(self, x: np.ndarray, place: Place) -> np.ndarray:
        """The training points: by default points `x` of the domain, moved as the equation asks for."""
        return place(x)

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

    @classmethod
    def over(cls, geometry: Any, count: int, tolerance: float) -> Self:
        """Windows of the time interval of a geometry."""
        low, high = bounding_box(with_time(geometry))
        return cls(count, tolerance, float(low[-1]), float(high[-1]))

    def adapted(self, squares: SquaredResiduals) -> Self:
        found, x = squares(None, 0)
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


@dataclass(frozen=True)
class AdaptivePoints(Stage):
    """Training points of the domain drawn by the residual of a network, out of evenly drawn candidates."""

    points: Points  # that the equation asks for
    seed: int  # of the draw: 1, 2, ...
    squares: SquaredResiduals | None = None  # of the network; None before the stage is adapted to one

    def adapted(self, squares: SquaredResiduals) -> Self:
        return replace(self, squares=squares)

    def place(self, x: np.ndarray, place: Place) -> np.ndarray:
        if self.squares is None:
            return place(x)
        count, seed = self.points.domain, _CANDIDATES_SEED + self.seed
        candidates = replace(self.points, domain=_CANDIDATES * count, distribution="pseudo")
        squares, drawn = self.squares(candidates, seed)
        return drawn[residual_choice(squares.sqrt().cpu().numpy(), count, seed)].cpu().numpy()


def residual_choice(residuals: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of `count` of the points with these `residuals` ``(n,)``: the likelier, the larger the residual.

    Residual-based adaptive distribution (RAD) with its exponent and its constant at 1: half of the points follow the
    residual, half are spread evenly (Wu et al. 2023, doi:10.1016/j.cma.2022.115671).
    """
    sizes = np.abs(residuals)
    likelihood = sizes + sizes.mean() + np.finfo(float).tiny
    return np.random.default_rng(seed).choice(len(sizes), count, replace=False, p=likelihood / likelihood.sum())


def of_equations(blocks: list[Block], batch: Collocation) -> tuple[list[Block], Tensor]:
    """The blocks of the equations, without those of the conditions, and their points ``(n, inputs)``."""
    rows = blocks[0].rows
    assert rows is not None
    return blocks[: len(blocks) - len(batch.counts)], batch.x[rows[:, 0]]
