"""Collocation points: how many of them, where they lie, and the domain they fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from pacpinn.errors import ResidualError
from pacpinn.runtime.deepxde_backend import dde

_GRID_POINTS = 20_000
_ROUNDING = 1e-9  # of the domain: so far outside a point on its boundary may be written


@dataclass(frozen=True)
class Points:
    """How many collocation points DeepXDE draws, and from which distribution (its ``train_distribution``)."""

    domain: int = 1024
    boundary: int = 0
    initial: int = 0
    distribution: Literal["uniform", "pseudo", "LHS", "Halton", "Hammersley", "Sobol"] = "Hammersley"


@dataclass(frozen=True)
class Collocation:
    """Collocation points of one task of an equation, or of several, one after the other.

    Attributes:
        x: the points of all tasks ``(tasks * rows, inputs)``, those of the conditions first for each.
        points: the same as an array, which is what DeepXDE's conditions look at.
        conditions: DeepXDE's conditions for each task.
        counts: how many of a task's rows belong to each condition.
        lead: leading shape of values by task: none for one task by itself, ``(tasks,)`` for several together.
    """

    x: Tensor
    points: np.ndarray
    conditions: Sequence[Sequence[Any]]
    counts: Sequence[int]
    lead: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows each task has."""
        return len(self.x) // len(self.conditions)


def bounding_box(geometry: Any) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of a DeepXDE geometry, time last."""
    if isinstance(geometry, dde.geometry.GeometryXTime):
        low, high = bounding_box(geometry.geometry)
        return np.append(low, geometry.timedomain.t0), np.append(high, geometry.timedomain.t1)
    low, high = geometry.bbox
    return np.ravel(low).astype(float), np.ravel(high).astype(float)


def until(geometry: Any, share: float) -> Any:
    """The geometry up to a share of its time interval."""
    if share == 1:
        return geometry
    if isinstance(with_time(geometry), dde.geometry.GeometryXTime):
        return dde.geometry.GeometryXTime(geometry.geometry, until(geometry.timedomain, share))
    return dde.geometry.TimeDomain(geometry.t0, geometry.t0 + share * (geometry.t1 - geometry.t0))


def with_time(geometry: Any) -> Any:
    """The geometry, if it has a time interval.

    Raises:
        ResidualError: if it has none.
    """
    if isinstance(geometry, dde.geometry.GeometryXTime | dde.geometry.TimeDomain):
        return geometry
    raise ResidualError(
        f"horizons and windows are shares of a time interval, which a {type(geometry).__name__} has not; expected a "
        "TimeDomain or a GeometryXTime: leave them out"
    )


def domain_points(geometry: Any, count: int, distribution: str) -> np.ndarray:
    """Points ``(count, inputs)`` drawn from a geometry."""
    if distribution == "uniform":
        return geometry.uniform_points(count, boundary=False)
    return geometry.random_points(count, random=distribution)


def deepxde_data(geometry: Any, points: Points, inside: np.ndarray, conditions: Sequence[Any]) -> Any:
    """DeepXDE's own arrangement of points: those of the `conditions` first, then those `inside`, then the boundary's.

    Without a residual it would leave out the domain's points; ours is asked for elsewhere.
    """
    arguments: dict[str, Any] = {
        "num_boundary": points.boundary,
        "train_distribution": points.distribution,
        "anchors": inside,
    }
    kind = dde.data.PDE
    if isinstance(geometry, dde.geometry.GeometryXTime):
        kind, arguments["num_initial"] = dde.data.TimePDE, points.initial
    return kind(geometry, lambda x, y: [], list(conditions), **arguments)


def residual_choice(residuals: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of `count` of the points with these `residuals` ``(n,)``: the likelier, the larger the residual.

    Residual-based adaptive distribution (RAD) with its exponent and its constant at 1: half of the points go by the
    residual, half evenly (Wu et al. 2023, doi:10.1016/j.cma.2022.115671).
    """
    sizes = np.abs(residuals)
    likelihood = sizes + sizes.mean() + np.finfo(float).tiny
    return np.random.default_rng(seed).choice(len(sizes), count, replace=False, p=likelihood / likelihood.sum())


def causal_weights(sizes: Tensor, window: Tensor, windows: int) -> Tensor:
    """``exp(-sum of the mean squares of the windows before)`` for each window of time.

    Causal weights: Wang, Sankaran & Perdikaris 2022, arXiv:2203.07404.

    Args:
        sizes: squared residuals ``(n,)``, in squares of the tolerance.
        window: in which window each lies, ``(n,)``.
        windows: how many there are.
    """
    sums = sizes.new_zeros(windows).index_add(0, window, sizes)
    losses = sums / torch.bincount(window, minlength=windows).clamp(min=1)
    return torch.exp(-(losses.cumsum(0) - losses))


def regular_grid(geometry: Any, per_axis: int | None = None) -> np.ndarray:
    """Points of a regular grid ``(rows, inputs)`` that lie in a geometry, its boundary included."""
    low, high = bounding_box(geometry)
    count = per_axis or min(1001, round(_GRID_POINTS ** (1 / len(low))))
    axes = [np.linspace(a, b, count) for a, b in zip(low, high, strict=True)]
    x = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    space = getattr(geometry, "geometry", None)
    return x[geometry.inside(x) if space is None else space.inside(x[:, :-1])]


def inside(geometry: Any, x: np.ndarray) -> np.ndarray:
    """Which of the points `x` ``(rows, inputs)`` lie in a geometry, its boundary included: ``(rows,)``."""
    if isinstance(geometry, dde.geometry.GeometryXTime):
        return inside(geometry.geometry, x[:, :-1]) & inside(geometry.timedomain, x[:, -1:])
    low, high = bounding_box(geometry)
    slack = _ROUNDING * (high - low)
    boxed = ((low - slack <= x) & (x <= high + slack)).all(axis=1)
    return boxed & np.ravel(geometry.inside(np.clip(x, low, high)))
