"""Where conditions hold and what they prescribe: the equation's own geometry, and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pacpinn.equations.collocation import Collocation, bounding_box, named_point
from pacpinn.errors import ResidualError
from pacpinn.runtime.deepxde_backend import dde
from pacpinn.runtime.user_code import place_of

if TYPE_CHECKING:
    from pacpinn.equations.equation import Equation

_ROUNDING = 1e-6  # of a box's width: single precision in one geometry and double in another
_OF_POINTS = (dde.icbc.DirichletBC, dde.icbc.NeumannBC, dde.icbc.IC)
_OF_POINT_SETS = (dde.icbc.PointSetBC, dde.icbc.PointSetOperatorBC)


def require_own_geometry(problem: Equation, geometry: Any, conditions: Sequence[Any]) -> None:
    """Refuse conditions made with another geometry than the equation's, or than a part of which that is combined.

    An equal geometry may be another object. A geometry in the plane or in space that touches no side of the equation's
    bounding box may be an interface inside. Conditions without a geometry, of sets of points, hold where they say.

    Raises:
        ResidualError: with both bounding boxes.
    """
    for i, condition in enumerate(conditions):
        own = getattr(condition, "geom", None)
        if not _has_box(own) or _inside(own, geometry) or any(_equal(own, each) for each in _parts(geometry)):
            continue
        raise ResidualError(
            f"the condition {i + 1} ({type(condition).__name__}) of {problem.name} has been made with another "
            f"geometry, {_described(own)}; the equation's is {_described(geometry)}. Make the condition with the same "
            "geometry: the one that conditions(self, geometry, c) is given, or that of the data object"
            f"{place_of(problem.stated('conditions'))}"
        )


def require_numbers(problem: Equation, batch: Collocation) -> None:
    """Refuse conditions that prescribe NaN or infinity at a point of the batch.

    Raises:
        ResidualError: with the condition and the first of its points.
    """
    ranges = pairwise(accumulate(batch.counts, initial=0))
    for i, (condition, (begin, end)) in enumerate(zip(batch.conditions[0], ranges, strict=True)):
        values = prescribed_values(condition, batch.points, begin, end)
        if values is None or np.isfinite(values).all():
            continue
        k, component = np.argwhere(~np.isfinite(values))[0]
        raise ResidualError(
            f"the condition {i + 1} ({type(condition).__name__}) of {problem.name} prescribes {values[k, component]} "
            f"at {named_point(problem.inputs, batch.points[begin + k])}; expected a number at every point"
            f"{place_of(problem.stated('conditions'))}"
        )


def prescribed_values(condition: Any, points: np.ndarray, begin: int, end: int) -> np.ndarray | None:
    """The values ``(rows, components)``, or ``(1, 1)`` for one value; None if the condition has no fixed values."""
    if isinstance(condition, _OF_POINTS):
        found = condition.func(points, begin, end, None)
    elif isinstance(condition, _OF_POINT_SETS):
        found = condition.values
    else:
        return None
    values = torch.as_tensor(found).numpy(force=True)
    return values if values.ndim == 2 else values.reshape(-1, 1)


def _has_box(geometry: Any) -> bool:
    space = getattr(geometry, "geometry", geometry)
    return getattr(space, "bbox", None) is not None


def _parts(geometry: Any) -> list[Any]:
    """The geometry, and those of which it is combined."""
    if isinstance(geometry, dde.geometry.GeometryXTime):
        time = geometry.timedomain
        return [geometry, *(dde.geometry.GeometryXTime(each, time) for each in _parts(geometry.geometry)[1:])]
    combined = [getattr(geometry, name) for name in ("geom1", "geom2") if hasattr(geometry, name)]
    return [geometry, *(part for each in combined for part in _parts(each))]


def _equal(one: Any, other: Any) -> bool:
    """Whether two geometries have one kind, or kinds of which one includes the other, and one bounding box."""
    if not (isinstance(one, type(other)) or isinstance(other, type(one))):
        return False
    if isinstance(one, dde.geometry.GeometryXTime):
        return _equal(one.geometry, other.geometry) and _equal(one.timedomain, other.timedomain)
    (low, high), found = bounding_box(other), bounding_box(one)
    if len(low) != len(found[0]):
        return False
    slack = _ROUNDING * (high - low)
    return bool((np.abs(found[0] - low) <= slack).all() and (np.abs(found[1] - high) <= slack).all())


def _inside(one: Any, other: Any) -> bool:
    """Whether a geometry of the same dimension, two or more, touches no side of the other one's bounding box."""
    if isinstance(one, dde.geometry.GeometryXTime) and isinstance(other, dde.geometry.GeometryXTime):
        return _equal(one.timedomain, other.timedomain) and _inside(one.geometry, other.geometry)
    (low, high), (least, most) = bounding_box(other), bounding_box(one)
    return len(low) == len(least) > 1 and bool((low < least).all() and (most < high).all())


def _described(geometry: Any) -> str:
    low, high = bounding_box(geometry)
    kind = type(geometry).__name__
    if isinstance(geometry, dde.geometry.GeometryXTime):
        kind = f"{kind} of {type(geometry.geometry).__name__}"
    return f"{kind} from {_corner(low)} to {_corner(high)}"


def _corner(x: np.ndarray) -> str:
    return f"({', '.join(f'{each:.6g}' for each in x)})"
