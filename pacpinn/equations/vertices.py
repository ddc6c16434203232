"""Vertices of geometries, where a boundary has no unique normal, and conditions without those points."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any, TypeVar

import numpy as np
import torch

from pacpinn.equations.collocation import Collocation
from pacpinn.runtime.deepxde_backend import dde

_WITH_NORMAL = (dde.icbc.NeumannBC, dde.icbc.RobinBC, dde.icbc.OperatorBC)  # conditions that may use the normal
_CSG = (dde.geometry.CSGUnion, dde.geometry.CSGDifference, dde.geometry.CSGIntersection)

Drawn = TypeVar("Drawn", bound=Collocation)


def at_vertices(geometry: Any, x: np.ndarray) -> np.ndarray:
    """Whether each of the points `x` ``(rows, inputs)`` is one where the boundary's normal is not unique: ``(rows,)``.

    These are the vertices of rectangles, triangles and polygons, edges and vertices of boxes of any dimension, and,
    where geometries are combined, the vertices of both parts and the points on the boundaries of both. With time it is
    the place alone that counts. Smooth geometries, intervals and unknown geometries have none.

    At a vertex of a box, DeepXDE's normal is the mean of the sides' normals; it is the first side's at a vertex of a
    polygon, the sum of both parts' or zero where boundaries meet; a triangle raises an error there.
    """
    if isinstance(geometry, dde.geometry.GeometryXTime):
        return at_vertices(geometry.geometry, x[:, :-1])
    if isinstance(geometry, dde.geometry.Hypercube):
        return _count(dde.utils.isclose(x, bound) for bound in (geometry.xmin, geometry.xmax)) > 1
    if isinstance(geometry, dde.geometry.Triangle):
        return _at_polygon(np.stack([geometry.x1, geometry.x2, geometry.x3]), x)
    if isinstance(geometry, dde.geometry.Polygon):
        return _at_polygon(geometry.vertices, x)
    if isinstance(geometry, _CSG):
        parts = geometry.geom1, geometry.geom2
        own = (at_vertices(parts[0], x) | at_vertices(parts[1], x)) & geometry.on_boundary(x)
        return own | (parts[0].on_boundary(x) & parts[1].on_boundary(x))
    return np.zeros(len(x), dtype=bool)


def without_vertices(batch: Drawn) -> Drawn:
    """The points without those at which a Neumann, Robin or operator condition has no unique normal.

    A condition that has no other points keeps them. The conditions must not have been evaluated yet: they remember
    values by the identity of the array of points. The batch is returned itself if there are none of these points.
    """
    keep = np.ones(len(batch.points), dtype=bool)
    for condition, (begin, end) in zip(batch.conditions[0], _ranges(batch), strict=True):
        if isinstance(condition, _WITH_NORMAL):
            usable = ~at_vertices(condition.geom, batch.points[begin:end])
            keep[begin:end] = usable | ~usable.any()
    if keep.all():
        return batch
    counts = [int(keep[begin:end].sum()) for begin, end in _ranges(batch)]
    rows = torch.as_tensor(np.flatnonzero(keep), device=batch.x.device)
    return replace(batch, x=batch.x[rows], points=batch.points[keep], counts=counts)


def _ranges(batch: Collocation) -> list[tuple[int, int]]:
    """The rows of each condition."""
    return list(pairwise(accumulate(batch.counts, initial=0)))


def _count(masks: Any) -> np.ndarray:
    """In how many coordinates a point ``(rows, inputs)`` is at one of its bounds: ``(rows,)``."""
    return np.any(list(masks), axis=0).sum(axis=1)


def _at_polygon(vertices: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Whether points ``(rows, 2)`` lie on two sides of a polygon, within DeepXDE's rounding."""
    distances = np.linalg.norm(x[:, None] - vertices, axis=-1)
    lengths = np.linalg.norm(np.roll(vertices, -1, axis=0) - vertices, axis=-1)
    return dde.utils.isclose(distances + np.roll(distances, -1, axis=1), lengths).sum(axis=1) > 1
