"""Parts of a boundary, or the initial time, for which a statement has no condition."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pacpinn.equations.collocation import named_point
from pacpinn.equations.equation import Equation
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.statement.probe import Probe
from pacpinn.runtime.deepxde_backend import dde, deepxde_defaults
from pacpinn.runtime.isolation import untouched

log = logging.getLogger(__name__)

_ON_EACH = 16  # points of each side
_ON_BOUNDARY = 200  # points of a boundary that has no sides
_SHARE = 0.05  # of those points, without a condition
_INSIDE = 10  # points of a point set inside the domain: data, which may stand for conditions
_ROUNDING = 1e-6  # of the domain's width
_POINT_SETS = (dde.icbc.PointSetBC, dde.icbc.PointSetOperatorBC)


def warn_of_open_sides(task: EquationTask, network: nn.Module) -> None:
    """Log a warning for parts of the boundary, or an initial time, at which nothing determines the solution.

    That is where no output has a condition, at a side across which the residual has second derivatives, or at an
    initial time if the residual has a derivative by time. Nothing is missing where the opposite side has two conditions
    for each output, a final time has one, or every network satisfies a condition (periodic features). Statements
    without conditions, and those with a transform, are exact in ways that are not looked at.

    Args:
        task: of the equation.
        network: one of the equation's.
    """
    conditions = task.conditions()
    if not conditions or _has_transform(task.equation, network) or _has_data(task, conditions):
        return
    probe = Probe(task)
    sides = _sides(probe)
    counts = _counts(sides, conditions)
    open_sides = [
        f"{side.name} (the residual has {side.reason})"
        for side in sides
        if side.orders and not _determined(side, counts, len(task.equation.outputs)) and _matters(probe, side, network)
    ]
    found = open_sides + _open_share(probe, conditions)
    if found:
        log.warning(
            "%s has no condition at %s: nothing determines the solution there. Expected one for each output that has "
            "these derivatives, in conditions(self, geometry, c) or in the data object's list; check where the "
            "conditions hold",
            task.equation.name,
            "; at ".join(found),
        )


@dataclass(frozen=True)
class _Side:
    """A side of a box, or an end of the time interval."""

    name: str
    coordinate: int
    end: int  # 0 for the lowest value of the coordinate, 1 for the highest
    orders: tuple[int, ...]  # of derivatives that make a condition necessary; none at the final time
    enough: int  # conditions for each output at the opposite side that stand for those of this side
    reason: str
    points: np.ndarray  # of the side, none of them on another side: (n, inputs)
    opposite: np.ndarray  # the same at the opposite side


def _sides(probe: Probe) -> list[_Side]:
    """All sides of a box, an interval and a time interval; a geometry of another kind has none in space."""
    geometry, inputs = probe.geometry, probe.equation.inputs
    space, time = getattr(geometry, "geometry", geometry), None
    if isinstance(geometry, dde.geometry.GeometryXTime | dde.geometry.TimeDomain):
        time = len(inputs) - 1
    boxed = isinstance(space, dde.geometry.Interval | dde.geometry.Hypercube)
    sides: list[_Side] = []
    orders: tuple[int, ...]
    for j in range(len(inputs)):
        if j != time and not boxed:
            continue
        at = [_points(probe, j, end) for end in (0, 1)]
        for end in (0, 1):
            name = f"{inputs[j]} = {(probe.low, probe.high)[end][j]:.6g}"
            orders, enough, reason = (2,), 2, f"second derivatives by {inputs[j]}"
            if j == time:
                name = f"the initial time {name}"
                orders, enough, reason = () if end else (1, 2), 1, f"a derivative by {inputs[j]}"
            sides.append(_Side(name, j, end, orders, enough, reason, at[end], at[1 - end]))
    return sides


def _points(probe: Probe, coordinate: int, end: int) -> np.ndarray:
    shares = np.random.default_rng(0).uniform(0.05, 0.95, (_ON_EACH, len(probe.low)))
    shares[:, coordinate] = end
    x = probe.low + shares * (probe.high - probe.low)
    x[:, coordinate] = (probe.low, probe.high)[end][coordinate]
    return x


def _counts(sides: Sequence[_Side], conditions: Sequence[Any]) -> dict[tuple[int, int], int]:
    """The number of conditions that hold somewhere on each side, by coordinate and end."""
    counts = {(side.coordinate, side.end): 0 for side in sides}
    if not sides:
        return counts
    points = np.concatenate([side.points for side in sides])
    for condition in conditions:
        x = condition.collocation_points(points)
        for side in sides:
            j = side.coordinate
            near = np.abs(x[:, j] - side.points[0, j]) <= _ROUNDING * abs(side.opposite[0, j] - side.points[0, j])
            counts[j, side.end] += bool(near.any())
    return counts


def _determined(side: _Side, counts: dict[tuple[int, int], int], outputs: int) -> bool:
    """Whether the side has a condition, or the opposite side as many as both need."""
    return bool(counts[side.coordinate, side.end]) or counts[side.coordinate, 1 - side.end] >= side.enough * outputs


def _matters(probe: Probe, side: _Side, network: nn.Module) -> bool:
    """Whether the residual has the derivative at the side, and not every network satisfies a condition there."""
    found = any(probe.coefficient(side.points, side.coordinate, order).any() for order in side.orders)
    return found and not _satisfied(probe.task, network, side)


def _satisfied(task: EquationTask, network: nn.Module, side: _Side) -> bool:
    """Whether value or slope of an output is the same for all networks at the side, or that at the opposite side is."""
    with untouched(0), deepxde_defaults(task.dtype, task.device):
        other = copy.deepcopy(network)
        with torch.no_grad():
            for each in other.parameters():
                each.add_(0.1 * torch.randn_like(each))

        def change(x: Tensor) -> Tensor:
            return other(task.equation.features(x, task.coefficients)) - network(
                task.equation.features(x, task.coefficients)
            )

        x, opposite = (task.tensor(each).requires_grad_() for each in (side.points, side.opposite))
        here, there = change(x), change(opposite)
        slopes = [torch.autograd.grad(each.sum(), x, retain_graph=True)[0][:, side.coordinate] for each in here.T]
        found = torch.stack([here.T, torch.stack(slopes), (here - there).T]).detach()
    sizes = found.abs().amax(dim=2)
    return bool((sizes < 1e-9 * sizes.max()).any())


def _open_share(probe: Probe, conditions: Sequence[Any]) -> list[str]:
    """The part of a boundary without sides at which no condition holds, if it is more than a small share."""
    space = getattr(probe.geometry, "geometry", probe.geometry)
    if isinstance(space, dde.geometry.Interval | dde.geometry.Hypercube):
        return []
    with untouched(0), deepxde_defaults(probe.task.dtype, torch.device("cpu")):
        try:
            x = probe.geometry.random_boundary_points(_ON_BOUNDARY, random="pseudo")
        except (AttributeError, NotImplementedError, TypeError, ValueError):  # a cloud of points, a user's geometry
            return []
        held = np.concatenate([np.asarray(each.collocation_points(x)) for each in conditions])
    open_points = x[[not (point == held).all(axis=1).any() for point in x]]
    dimensions = range(space.dim)
    if len(open_points) < _SHARE * len(x) or not any(probe.coefficient(open_points, j, 2).any() for j in dimensions):
        return []
    first = named_point(probe.equation.inputs, open_points[0])
    return [
        f"{len(open_points)} of {len(x)} points of the boundary, such as {first} (the residual has second derivatives)"
    ]


def _has_transform(equation: Equation, network: nn.Module) -> bool:
    own = type(equation).transform is not Equation.transform
    return own or getattr(network, "_output_transform", None) is not None


def _has_data(task: EquationTask, conditions: Sequence[Any]) -> bool:
    """Whether values inside the domain may stand for conditions: any in one dimension, many in several."""
    enough = 1 if len(task.equation.inputs) == 1 else _INSIDE
    return any(isinstance(each, _POINT_SETS) and len(each.points) >= enough for each in conditions)
