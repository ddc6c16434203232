"""Coefficients of second derivatives that jump inside the domain: a strong form does not see what happens there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pacpinn.equations.collocation import inside, named_point
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.statement.probe import Probe
from pacpinn.runtime.deepxde_backend import dde

log = logging.getLogger(__name__)

_ALONG, _LINES = 400, 5  # points of each line, and lines of each direction
_BISECTIONS = 12  # of the distance between two points of a line: to 1e-6 of the domain's width
_CANDIDATES = 8  # pairs of neighbours that are looked at closely, in each direction
_CHANGE = 0.02  # relative, of a coefficient from one point to the next
_LEFT = 0.5  # of a change that remains however close the points are: a jump


def warn_of_jumps(task: EquationTask) -> None:
    """Log a warning if a coefficient of a second derivative in space jumps.

    The coefficient is looked at along lines in its derivative's direction. It jumps where halving the distance of two
    points again and again leaves half of the change. A coefficient that is zero on one side does not count: residuals
    of two outputs, one for each side of an interface, are stated in this way.
    """
    probe = Probe(task)
    time = isinstance(probe.geometry, dde.geometry.GeometryXTime | dde.geometry.TimeDomain)
    for j in range(len(probe.low) - time):
        for k in range(len(probe.equation.outputs)):
            for jump in _jumps(probe, j, k)[:1]:
                inputs = probe.equation.inputs
                log.warning(
                    "%s: the coefficient of the second derivative of %s by %s jumps from %.3g to %.3g between %s and "
                    "%s: a residual in strong form does not say that the flux is the same on both sides. Expected a "
                    "smooth coefficient, or two outputs, one for each side, with conditions where they meet: equal "
                    "values and equal fluxes, as PointSetOperatorBC states them",
                    probe.equation.name,
                    probe.equation.outputs[k],
                    inputs[j],
                    *jump.values,
                    named_point(inputs, jump.ends[0]),
                    named_point(inputs[j : j + 1], jump.ends[1][j : j + 1]),
                )


Coefficient = Callable[[np.ndarray], np.ndarray]  # points (rows, inputs) to (equations, rows)


class _Jump(NamedTuple):
    values: tuple[float, float]  # of the coefficient, on both sides
    ends: np.ndarray  # neighbouring points of a line, (2, inputs)


def _jumps(probe: Probe, j: int, output: int) -> list[_Jump]:
    """The jumps of the coefficient of an output's second derivative in coordinate `j`, the largest first."""
    lines = _lines(probe, j)

    def coefficient(x: np.ndarray) -> np.ndarray:
        return probe.coefficient(x, j, 2, output=output, level=True)

    x = lines.reshape(-1, lines.shape[-1])
    found = coefficient(x).reshape(-1, *lines.shape[:2])
    usable = (found != 0) & inside(probe.geometry, x).reshape(lines.shape[:2])
    sizes = np.where(usable, np.abs(found), 1)
    changes = np.abs(np.diff(found)) / np.maximum(sizes[..., 1:], sizes[..., :-1])
    changes = np.where(usable[..., 1:] & usable[..., :-1], changes, 0)
    largest = np.argsort(changes, axis=None)[::-1][:_CANDIDATES]
    pairs = np.stack(np.unravel_index(largest[changes.flat[largest] > _CHANGE], changes.shape), axis=1)
    return _that_remain(coefficient, lines, pairs) if len(pairs) else []


def _lines(probe: Probe, j: int) -> np.ndarray:
    """Points ``(lines, along, inputs)`` of lines in direction `j`, spread over the other coordinates."""
    draw, inputs = np.random.default_rng(0), len(probe.low)
    count = 1 if inputs == 1 else _LINES
    shares = np.stack([(draw.permutation(count) + 0.5) / count for _ in range(inputs)], axis=1)
    x = np.repeat((probe.low + shares * (probe.high - probe.low))[:, None], _ALONG, axis=1)
    x[..., j] = probe.low[j] + (np.arange(_ALONG) + 0.5) / _ALONG * (probe.high[j] - probe.low[j])
    return x


def _that_remain(coefficient: Coefficient, lines: np.ndarray, pairs: np.ndarray) -> list[_Jump]:
    """The jumps among `pairs` ``(n, 3)`` of neighbours (equation, line, first point): changes that do not shrink."""
    equations, line, i = pairs.T
    each = np.arange(len(pairs))

    def at(x: np.ndarray) -> np.ndarray:
        """The coefficients ``(n, points)`` in each pair's equation at points ``(n, points, inputs)``."""
        found = coefficient(x.reshape(-1, x.shape[-1]))
        return found.reshape(-1, *x.shape[:2])[equations, each]

    ends = near = np.stack([lines[line, i], lines[line, i + 1]], axis=1)
    first = last = at(near)
    for _ in range(_BISECTIONS):
        near = np.stack([near[:, 0], near.mean(axis=1), near[:, 1]], axis=1)
        values = at(near)
        k = np.argmax(np.abs(np.diff(values)), axis=1)
        near, last = (np.stack([a[each, k], a[each, k + 1]], axis=1) for a in (near, values))
    remain = (np.abs(np.diff(last)) >= _LEFT * np.abs(np.diff(first)))[:, 0] & (last != 0).all(axis=1)
    return [_Jump((float(last[k, 0]), float(last[k, 1])), ends[k]) for k in np.flatnonzero(remain)]
