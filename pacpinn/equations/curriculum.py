"""Curriculum of a cold start: the stages at which a task is solved before, or after, it is solved as it stands.

A stage is part of a task: see :attr:`EquationTask.stage`. Easier coefficients need no stage; they are other tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import Collocation, Points, bounding_box, until, with_time
from pacpinn.tasks.task import Block, Forward

_CANDIDATES = 10  # candidate points for each point chosen by its residual
_CANDIDATES_SEED = 1000  # of the first draw; other than those of fresh points, on which solutions are checked

Place = Callable[[np.ndarray], np.ndarray]


class StagedTask(Protocol):
    """What a stage needs of its task."""

    @property
    def points(self) -> Points: ...

    @property
    def accuracy(self) -> float: ...

    def at_stage(self, stage: Stage) -> Self: ...

    def everything(self) -> Collocation: ...

    def draw(self, points: Points, seed: int) -> Collocation: ...

    def trained_on(self, place: Place, seed: int = 0) -> Self: ...

    def residuals(self, forward: Forward, batch: Collocation) -> list[Block]: ...


T = TypeVar("T", bound=StagedTask)


class Stage:
    """The task as it stands. Subclasses change its domain, its points or the weights of its residuals."""

    def domain(self, geometry: Any) -> Any:
        """The part of the equation's geometry on which it is solved."""
        return geometry

    def seen_by(self, task: T, forward: Forward) -> T:
        """The task at this stage, adapted to the residual of the network `forward`."""
        return task

    def weighted(self, blocks: list[Block], batch: Collocation) -> list[Block]:
        """The residual blocks on `batch`, each residual times the root of its weight at this stage."""
        return blocks


@dataclass(frozen=True)
class Horizon(Stage):
    """The equation up to a share of its time interval."""

    share: float

    def domain(self, geometry: Any) -> Any:
        return until(geometry, self.share)


@dataclass(frozen=True)
class CausalWindows(Stage):
    """Causal training: later windows of the time interval count once the residual in earlier windows is small.

    Wang, Sankaran & Perdikaris 2022, arXiv:2203.07404.

    Args:
        count: number of windows.
        begin, end: of the time interval.
        weights: of the windows, ``(count,)``; None before a network was seen.
    """

    count: int
    begin: float
    end: float
    weights: Tensor | None = None

    @classmethod
    def over(cls, geometry: Any, count: int) -> Self:
        """Windows of the time interval of a geometry.

        Raises:
            ResidualError: if the geometry has no time interval.
        """
        low, high = bounding_box(with_time(geometry))
        return cls(count, float(low[-1]), float(high[-1]))

    def seen_by(self, task: T, forward: Forward) -> T:
        squares, x = _squared_residuals(task, forward, task.everything())
        weights = causal_weights(squares / task.accuracy**2, self._window(x), self.count)
        return task.at_stage(replace(self, weights=weights))

    def weighted(self, blocks: list[Block], batch: Collocation) -> list[Block]:
        if self.weights is None:
            return blocks
        equations, x = _of_equations(blocks, batch)
        factors = self.weights.sqrt()[self._window(x)]
        return [replace(each, values=each.values * factors) for each in equations] + blocks[len(equations) :]

    def _window(self, x: Tensor) -> Tensor:
        """Index of the window in which each point lies, ``(rows,)``."""
        return ((x[:, -1] - self.begin) / (self.end - self.begin) * self.count).long().clamp(0, self.count - 1)


@dataclass(frozen=True)
class AdaptivePoints(Stage):
    """Training points drawn by the residual of the network that has been reached.

    Args:
        draw: 1, 2, ...: each draw has points of its own.
    """

    draw: int

    def seen_by(self, task: T, forward: Forward) -> T:
        return task.trained_on(lambda _: self._chosen(task, forward), self.draw)

    def _chosen(self, task: StagedTask, forward: Forward) -> np.ndarray:
        """As many points of the domain as the task has, out of evenly drawn candidates."""
        count, seed = task.points.domain, _CANDIDATES_SEED + self.draw
        candidates = replace(task.points, domain=_CANDIDATES * count, distribution="pseudo")
        squares, x = _squared_residuals(task, forward, task.draw(candidates, seed))
        chosen: np.ndarray = x[residual_choice(squares.sqrt().cpu().numpy(), count, seed)].cpu().numpy()
        return chosen


def _squared_residuals(task: StagedTask, forward: Forward, batch: Collocation) -> tuple[Tensor, Tensor]:
    """Squared residuals ``(n,)``, summed over the equations, and their points ``(n, inputs)``."""
    blocks, x = _of_equations(task.residuals(forward, batch), batch)
    return torch.stack([each.values.detach() ** 2 for each in blocks]).sum(0), x


def _of_equations(blocks: list[Block], batch: Collocation) -> tuple[list[Block], Tensor]:
    """The blocks of the equations, without those of the conditions, and the points of their residuals."""
    rows = blocks[0].rows
    assert rows is not None
    return blocks[: len(blocks) - len(batch.counts)], batch.x[rows[:, 0]]


def residual_choice(residuals: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of `count` of the points with these `residuals` ``(n,)``: the likelier, the larger the residual.

    Residual-based adaptive distribution (RAD) with its exponent and its constant at 1: half of the points follow the
    residual, half are spread evenly (Wu et al. 2023, doi:10.1016/j.cma.2022.115671).
    """
    sizes = np.abs(residuals)
    likelihood = sizes + sizes.mean() + np.finfo(float).tiny
    return np.random.default_rng(seed).choice(len(sizes), count, replace=False, p=likelihood / likelihood.sum())


def causal_weights(squares: Tensor, window: Tensor, windows: int) -> Tensor:
    """Weights ``w_i = exp(-sum_{k<i} L_k)`` of windows, ``L_k`` the mean squared residual in window k.

    Args:
        squares: squared residuals ``(n,)``, in units of the tolerance's square.
        window: index of the window of each residual, ``(n,)``.
        windows: number of windows.
    """
    sums = squares.new_zeros(windows).index_add(0, window, squares)
    losses = sums / torch.bincount(window, minlength=windows).clamp(min=1)
    return torch.exp(-(losses.cumsum(0) - losses))
