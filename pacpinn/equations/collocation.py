"""Collocation points: their number, their distribution, and the domain in which they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.boundary_points import boundary_points, is_constructed
from pacpinn.errors import ResidualError
from pacpinn.runtime.deepxde_backend import dde, deepxde_defaults
from pacpinn.runtime.isolation import untouched

_GRID_POINTS = 20_000  # of a regular grid, about
_ROUNDING = 1e-9  # of the domain's width: points so little outside count as on its boundary


@dataclass(frozen=True)
class Points:
    """Numbers of collocation points that DeepXDE draws.

    Args:
        domain, boundary, initial: points inside the domain, on its boundary, and at the initial time.
        distribution: DeepXDE's ``train_distribution``.
    """

    domain: int = 1024
    boundary: int = 0
    initial: int = 0
    distribution: Literal["uniform", "pseudo", "LHS", "Halton", "Hammersley", "Sobol"] = "Hammersley"

    def times(self, factor: int) -> Points:
        """So many times as many points of each kind."""
        return Points(factor * self.domain, factor * self.boundary, factor * self.initial, self.distribution)

    def at_most(self, count: int) -> Points:
        """At most so many points of each kind, drawn evenly at random."""
        return Points(min(count, self.domain), min(count, self.boundary), min(count, self.initial), "pseudo")


@dataclass(frozen=True)
class Collocation:
    """Collocation points of one task of an equation, or of several tasks, one after the other."""

    x: Tensor  # (tasks * rows, inputs); in each task the points of the conditions come first
    points: np.ndarray  # the same as an array, as DeepXDE's conditions take them
    conditions: Sequence[Sequence[Any]]  # DeepXDE's, for each task
    counts: Sequence[int]  # numbers of a task's rows that belong to each condition
    lead: tuple[int, ...] = ()  # leading shape of values by task: none for a single task, (tasks,) for several

    @property
    def rows(self) -> int:
        """Number of rows of each task."""
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
    """The geometry; raises a :class:`ResidualError` if it has no time interval."""
    if isinstance(geometry, dde.geometry.GeometryXTime | dde.geometry.TimeDomain):
        return geometry
    raise ResidualError(
        f"horizons and windows are shares of a time interval, which a {type(geometry).__name__} does not have; "
        "expected a TimeDomain or a GeometryXTime: leave them out"
    )


def domain_points(geometry: Any, count: int, distribution: str) -> np.ndarray:
    """Points ``(count, inputs)`` drawn from a geometry."""
    if distribution == "uniform":
        return geometry.uniform_points(count, boundary=False)
    return geometry.random_points(count, random=distribution)


def random_points(geometry: Any, count: int, seed: int) -> np.ndarray:
    """`count` points of a geometry ``(count, inputs)``, drawn evenly at random, in double precision."""
    with untouched(seed), deepxde_defaults(torch.float64, torch.device("cpu")):
        return domain_points(geometry, count, "pseudo")


def deepxde_data(geometry: Any, points: Points, inside: np.ndarray, conditions: Sequence[Any]) -> Any:
    """DeepXDE's data object, in its order: points of the `conditions`, points `inside`, points of the boundary.

    Its residual is empty, because residuals are evaluated elsewhere; without any, DeepXDE would leave out the domain's
    points.
    """
    kind, counts = dde.data.PDE, {"num_boundary": points.boundary}
    if points.boundary and is_constructed(geometry):
        inside = np.concatenate([inside, boundary_points(geometry, points.boundary, points.distribution)])
        counts["num_boundary"] = 0
    if isinstance(geometry, dde.geometry.GeometryXTime):
        kind, counts["num_initial"] = dde.data.TimePDE, points.initial
    return kind(
        geometry, lambda x, y: [], list(conditions), train_distribution=points.distribution, anchors=inside, **counts
    )


def regular_grid(geometry: Any, per_axis: int | None = None) -> np.ndarray:
    """Points of a regular grid ``(rows, inputs)`` that lie in a geometry, its boundary included."""
    low, high = bounding_box(geometry)
    count = per_axis or min(1001, round(_GRID_POINTS ** (1 / len(low))))
    axes = [np.linspace(a, b, count) for a, b in zip(low, high, strict=True)]
    x = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    space = getattr(geometry, "geometry", None)
    return x[geometry.inside(x) if space is None else space.inside(x[:, :-1])]


def inside(geometry: Any, x: np.ndarray) -> np.ndarray:
    """Whether each of the points `x` ``(rows, inputs)`` lies in a geometry, its boundary included: ``(rows,)``."""
    if isinstance(geometry, dde.geometry.GeometryXTime):
        return inside(geometry.geometry, x[:, :-1]) & inside(geometry.timedomain, x[:, -1:])
    low, high = bounding_box(geometry)
    slack = _ROUNDING * (high - low)
    boxed = ((low - slack <= x) & (x <= high + slack)).all(axis=1)
    return boxed & np.ravel(geometry.inside(np.clip(x, low, high)))


def named_point(inputs: Sequence[str], x: Sequence[float] | np.ndarray) -> str:
    """A point ``(inputs,)`` for messages, as in ``"x = 0.5, t = 1"``."""
    return ", ".join(f"{name} = {value:.6g}" for name, value in zip(inputs, x, strict=True))
