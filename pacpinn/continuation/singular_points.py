"""Folds and resonances: where the path of solutions turns back, and where it passes through infinity.

Along a path c(t), 0 <= t <= 1, from one solved member to another the solution u(t) has a slope u'(t), its sensitivity.
Where the path of solutions is smooth, the trapezoid rule ``h (u'(a) + u'(b)) / 2`` explains the difference
``u(b) - u(a)`` on every interval [a, b] whose length h is small enough. Across a resonance, where both slopes point
against the difference, and across a jump to another path it never does, however small h is. Before a fold at t* the
slope grows as ``(t* - t)^(-1/2)``, before a resonance as ``(t* - t)^(-2)`` (Allgower & Georg 2003, chapter 8; Keller
1977).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from pacpinn.continuation.calibration import PathSegment, calibrate
from pacpinn.continuation.coefficient_path import CoefficientPath, PathPoint, path_of
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.solution import Singularity, SingularPoint, SolutionOnBase

_SMALL = 0.05  # of a solution: across a smaller difference no singular point is looked for
_GROWTH = 4.0  # times the expected difference: what is larger is unexpected
_EXPLAINED = 1 / 3  # a difference between half and twice what the slopes say, in their direction
_OPPOSED = 0.9  # of the cosine: slopes that point against the difference, as across a pole
_REACH = 0.75  # of the difference: the least that they account for; across a pole all of it, less the errors of slopes
_ROUGH = 0.01  # relative error of a solution that tells a smooth path from a singular point
_SHORTEST = 2**-8  # of the path: a difference that slopes do not explain on an interval so short is a jump
_ORDER = {Singularity.FOLD: 0.5, Singularity.RESONANCE: 2.0}  # q of the slope's growth (t* - t)^(-q)


def with_crossed(context: StepContext, segment: PathSegment, solved: SolutionOnBase) -> SolutionOnBase:
    """A segment's solved target with the singular point that lies between, if any; its seconds count the search."""
    began = time.perf_counter()
    singular = find_crossed(context, segment, solved)
    seconds = solved.solution.seconds + time.perf_counter() - began
    return solved._replace(solution=replace(solved.solution, singular=singular, seconds=seconds))


def find_crossed(context: StepContext, segment: PathSegment, solved: SolutionOnBase) -> SingularPoint | None:
    """The singular point between a segment's start and its solved target; None if the path is smooth, as most are.

    Only a difference that the path so far did not let expect is examined, by bisection.
    """
    path = path_of(context, segment)
    if path is None or not _unexpected(path, segment, solved):
        return None
    low, high = path.point(0.0, segment.start), path.point(1.0, solved)
    while _unexplained(low, high) > _EXPLAINED:
        middle = _middle(path, low, high) if high.t - low.t > _SHORTEST else None
        if middle is None:
            return _classified(path, low, high)
        low, high = max((low, middle), (middle, high), key=lambda pair: _unexplained(*pair))
    return None


def find_ahead(
    context: StepContext, segment: PathSegment, solved: Sequence[SolutionOnBase], failed: float
) -> SingularPoint | None:
    """The singular point that keeps a segment's target from being solved, extrapolated from the last solutions.

    The solutions `solved` were found on the path; `failed` is its least t that was not solved. A singular point counts
    if it lies no farther beyond this t than the last solution lies before it.
    """
    path = path_of(context, segment)
    on_path = _on_path(path, (segment.before, segment.start, *solved)) if path else []
    if path is None or len(on_path) < 2:
        return None
    before, last = (path.point(t, each) for t, each in on_path[-2:])
    candidates = [(kind, *found) for kind in _ORDER if (found := _extrapolated(_ORDER[kind], before, last))]
    kind, t, _ = min(candidates, key=lambda each: each[2], default=(None, 0.0, 0.0))
    if kind is None or not last.t < t <= min(1.0, 2 * failed - last.t):
        return None
    return SingularPoint(kind, path.at(t))


def _on_path(path: CoefficientPath, solved: Iterable[SolutionOnBase | None]) -> list[tuple[float, SolutionOnBase]]:
    places = [(path.t_of(each.coefficients), each) for each in solved if each is not None]
    return [(t, each) for t, each in places if t is not None]


def _extrapolated(q: float, before: PathPoint, last: PathPoint) -> tuple[float, float] | None:
    """The t* at which slopes that grow as ``(t* - t)^(-q)`` become infinite, and a mismatch; None if they do not grow.

    The mismatch is that of the distance between the two solutions with the distance that the slopes let expect.
    """
    slopes = [np.linalg.norm(each.slope) for each in (before, last)]
    with np.errstate(all="ignore"):
        ratio = (slopes[1] / slopes[0]) ** (1 / q)  # of the distances to t*
    if not 1 < ratio < np.inf:
        return None
    distance = (last.t - before.t) / (ratio - 1)
    expected = (ratio * distance * slopes[0] - distance * slopes[1]) / (1 - q)
    return float(last.t + distance), abs(float(expected) - float(np.linalg.norm(last.u - before.u)))


def _unexpected(path: CoefficientPath, segment: PathSegment, solved: SolutionOnBase) -> bool:
    """Whether the step from start to target is large, and points against the expected step or is far longer.

    The expected step is that of the secant through `before`, if that lies on the path; else of the slope at the start.
    """
    before = segment.before
    t = None if before is None else path.t_of(before.coefficients)
    task = path.end_task if t else None  # one for all three networks, which is faster
    begin, end = path.u(segment.start, task), path.u(solved, task)
    step = end - begin
    if np.linalg.norm(step) <= _SMALL * max(np.linalg.norm(begin), np.linalg.norm(end)):
        return False
    expected = (path.u(before, task) - begin) / t if before and t else path.slope(0.0, segment.start)
    return bool(step @ expected < 0 or np.linalg.norm(step) > _GROWTH * np.linalg.norm(expected))


def _middle(path: CoefficientPath, low: PathPoint, high: PathPoint) -> PathPoint | None:
    """The middle of an interval, solved from either end; None if that is not possible."""
    t, settings = (low.t + high.t) / 2, path.context.settings
    tolerance = path.context.task(path.at(t)).tolerance
    rough = path.context._replace(settings=replace(settings, tolerance=max(_ROUGH, tolerance or 0.0)))
    trials = (calibrate(rough, PathSegment(each.solved, path.at(t))) for each in (low, high))
    points = ((path.point(t, each), each.solved, each.solution.error_estimate) for each in trials)
    difference = _ROUGH * float(np.linalg.norm(high.u - low.u))
    return next((each for each, solved, error in points if solved or _error(each, error) <= difference), None)


def _error(point: PathPoint, relative: float | None) -> float:
    """The norm of a solution's error, which is estimated relative to its variation."""
    return math.inf if relative is None else relative * float(np.linalg.norm(point.u - point.u.mean()))


def _classified(path: CoefficientPath, low: PathPoint, high: PathPoint) -> SingularPoint | None:
    """The singular point in an interval that slopes do not explain; None if it is of no known kind."""
    if _through_infinity(low, high):
        near, far = (float(np.linalg.norm(each.slope)) ** 0.5 for each in (high, low))
        share = near / (near + far)  # distances to a pole are as the inverse roots of the slopes
        return SingularPoint(Singularity.RESONANCE, path.at(low.t + share * (high.t - low.t)))
    if high.t - low.t <= _SHORTEST:
        return SingularPoint(Singularity.JUMP, path.at((low.t + high.t) / 2))
    return None


def _differences(low: PathPoint, high: PathPoint) -> tuple[np.ndarray, np.ndarray]:
    """By how much the solution changes over an interval, and would change by the trapezoid rule from the slopes."""
    return high.u - low.u, (high.t - low.t) / 2 * (low.slope + high.slope)


def _unexplained(low: PathPoint, high: PathPoint) -> float:
    """From 0, where the trapezoid rule explains the difference, to 1, where it does not at all."""
    difference, expected = _differences(low, high)
    size = np.linalg.norm(difference) + np.linalg.norm(expected)
    return float(np.linalg.norm(difference - expected) / size) if size else 0.0


def _through_infinity(low: PathPoint, high: PathPoint) -> bool:
    """Whether the slopes point against the difference and account for at least its size, as across a pole."""
    difference, expected = _differences(low, high)
    size, reach = np.linalg.norm(difference), np.linalg.norm(expected)
    return bool(difference @ expected < -_OPPOSED * size * reach and reach > _REACH * size)
