"""Points on the boundary of constructive geometry, evenly on all of its parts.

DeepXDE's own draw takes half of the points from each side of a union, a difference or an intersection. Of a square with
four holes, one cut after the other, the last hole has half of the points and the square's sides a sixteenth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pacpinn.runtime.deepxde_backend import dde

_PILOT = 1000  # points of each part, by which the share of it that is boundary is found
_SPARE = 1.2  # times as many points as asked for are drawn, as some lie in other parts


def is_constructed(geometry: Any) -> bool:
    """Whether a geometry, or the space of one with time, is made of others."""
    return hasattr(_space(geometry), "geom1")


def boundary_points(geometry: Any, count: int, distribution: str) -> np.ndarray:
    """`count` points ``(count, inputs)`` on the boundary of a constructed geometry, evenly on its parts.

    Their surfaces are taken to be those of their bounding boxes. With time, each point has a time of its own.
    """
    space = _space(geometry)
    parts = list(_parts(space))
    surfaces = np.array([_surface(each.bbox) for each in parts])
    left = np.array([np.mean(space.on_boundary(each.random_boundary_points(_PILOT))) for each in parts])
    if not left.any():
        return geometry.random_boundary_points(count)
    per_surface, found = count / float(surfaces @ left), np.empty((0, space.dim))
    distribution = "pseudo" if distribution == "uniform" else distribution  # of which parts are no grid
    while len(found) < count:
        drawn = [
            part.random_boundary_points(max(1, round(_SPARE * per_surface * surface)), random=distribution)
            for part, surface in zip(parts, surfaces, strict=True)
        ]
        found = np.concatenate([found, *(each[space.on_boundary(each)] for each in drawn)])
        distribution = "pseudo"  # other points than before, should they not be enough
    mix = np.random.default_rng(0).permutation
    x = mix(found)[:count]
    if not isinstance(geometry, dde.geometry.GeometryXTime):
        return x
    return np.hstack([x, mix(geometry.timedomain.random_points(count, random=distribution))])


def _space(geometry: Any) -> Any:
    return geometry.geometry if isinstance(geometry, dde.geometry.GeometryXTime) else geometry


def _parts(geometry: Any) -> Iterator[Any]:
    """The geometries of which one is made, in their order."""
    if hasattr(geometry, "geom1"):
        yield from _parts(geometry.geom1)
        yield from _parts(geometry.geom2)
    else:
        yield geometry


def _surface(box: tuple[np.ndarray, np.ndarray]) -> float:
    """The surface of a box from its lowest to its highest corner: in the plane its perimeter."""
    sides = np.ravel(box[1]) - np.ravel(box[0])
    return float(2 * sum(np.prod(np.delete(sides, i)) for i in range(len(sides))))
