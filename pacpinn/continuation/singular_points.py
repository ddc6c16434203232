"""Folds and resonances: where the path of solutions turns back, and where it leaves through infinity.

Along a way c(t), 0 <= t <= 1, from one solved member to another the solution u(t) has a slope u'(t), its sensitivity.
Where the path is smooth, the trapezoid rule ``h (u'(a) + u'(b)) / 2`` explains the difference ``u(b) - u(a)`` as soon
as h is short. It never does across a resonance, where both slopes point against the difference, nor across a jump to
another branch, however short h. Short of a fold at t* the slope grows as ``(t* - t)^(-1/2)``, short of a resonance as
``(t* - t)^(-2)`` (Allgower & Georg 2003, chapter 8; Keller 1977).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from pacpinn.continuation.predictor import PathSegment
from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Singularity, SingularPoint, Solution
from pacpinn.equations.equation import Equation
from pacpinn.equations.equation_task import EquationTask
from pacpinn.errors import MeasurementError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.base import Status
from pacpinn.tasks.coefficient import Coefficients, Count
from pacpinn.tasks.problem import Problem

Solve = Callable[[Solution, Coefficients], Solution]

_POINTS = 200  # at which solutions are compared
_WEIGHTS = 3000  # of more free ones the tangent would take longer than the target
_FELT = 0.05  # of a solution: a difference that is smaller leads over nothing
_GROWTH = 4.0  # times what the way before led to expect
_STRAIGHT = 0.1  # of the way: how far a member may lie off it and still tell what to expect
_EXPLAINED = 1 / 3  # a difference between half and twice what slopes say, in their direction
_OPPOSED = 0.9  # of the cosine, and of the size: slopes that point against the difference, as across a pole
_SHORTEST = 2**-8  # of the way: where no slopes explain a difference on so short a stretch, none ever will
_DIFFERENCE = 1e-4  # of the way, for how the coefficients change along it
_ORDER = {Singularity.FOLD: 0.5, Singularity.RESONANCE: 2.0}  # q of the slope's growth (t* - t)^(-q)


class PathPoint(NamedTuple):
    """A solved place on a way: the solution `u`, and its slope du/dt, on points ``(rows * outputs,)``."""

    t: float
    solution: Solution
    u: np.ndarray
    slope: np.ndarray


class CoefficientPath:
    """From one task of an equation to another, in the coefficients' own scales.

    Args:
        problem, bases, settings: the family's.
        start, end: coefficients.
    """

    def __init__(
        self, problem: Problem, bases: Sequence[Base], settings: Settings, start: Coefficients, end: Coefficients
    ) -> None:
        self.problem, self.bases, self.settings, self.start, self.end = problem, bases, settings, start, end
        self._end = self._task(end)
        self._outputs = len(self._end.equation.outputs)
        grid = self._end.grid()
        self.x = grid[:: max(1, len(grid) // _POINTS)]

    def at(self, t: float) -> Coefficients:
        return self.problem.space.between(self.start, self.end, t)

    def u(self, solution: Solution) -> np.ndarray:
        return self._predicted(self._task(solution.coefficients), solution)

    def seen_from_the_end(self, solution: Solution) -> np.ndarray:
        """A solution's network with features and transform as at the end: no task is made anew for it."""
        return self._predicted(self._end, solution)

    def slope(self, t: float, solution: Solution) -> np.ndarray:
        """NaN, which explains everything, where there is none to be had: a solve that went well must not end here."""
        nowhere = np.full(len(self.x) * self._outputs, np.nan)
        if len(solution.z) > _WEIGHTS:
            return nowhere
        names = [name for name in self.start if self.start[name] != self.end[name]]
        behind, ahead = self.at(t - _DIFFERENCE), self.at(t + _DIFFERENCE)
        along = np.array([(ahead[name] - behind[name]) / (2 * _DIFFERENCE) for name in names])
        calibrated = Calibrated(self._task(solution.coefficients), self._masked(solution), solution.z)
        try:
            return (calibrated.sensitivity(self.x, names) @ along).ravel()
        except (MeasurementError, RuntimeError):  # of points that are not in its domain; by no weight that matters
            return nowhere

    def station(self, t: float, solution: Solution) -> PathPoint:
        return PathPoint(t, solution, self.u(solution), self.slope(t, solution))

    def place(self, c: Coefficients) -> float | None:
        """The t of coefficients that lie on the way, before its start or beyond its end; None beside it."""
        t = 1 + self.problem.space.beyond(self.start, self.end, c)
        length = self.problem.space.distance(self.start, self.end)
        return t if self.problem.space.distance(self.at(t), c) <= _STRAIGHT * length else None

    def _predicted(self, task: EquationTask, solution: Solution) -> np.ndarray:
        return task.predict(self._masked(solution).forward(solution.z), self.x).ravel().astype(float)

    def _masked(self, solution: Solution) -> MaskedNetwork:
        return self.bases[solution.base].masked

    def _task(self, c: Coefficients) -> EquationTask:
        task = self.settings.task(self.problem, c)
        assert isinstance(task, EquationTask)
        return task


def find_crossed(
    problem: Problem, bases: Sequence[Base], leg: PathSegment, solution: Solution, settings: Settings, solve: Solve
) -> SingularPoint | None:
    """The singular point between a leg's start and its solved target; None if the way is smooth, as nearly all are.

    Only a difference which the way so far did not lead to expect is looked into, by bisection.

    Args:
        problem, bases, settings: the family's.
        leg: from where the target was solved.
        solution: the target's.
        solve: calibrates from a solution to other coefficients.
    """
    if not _has_path(problem, leg):
        return None
    way = CoefficientPath(problem, bases, settings, leg.start.coefficients, leg.target)
    if not _unexpected(way, leg, solution):
        return None
    low, high = way.station(0.0, leg.start), way.station(1.0, solution)
    while _unexplained(low, high) > _EXPLAINED:
        halves = _halves(way, low, high, solve) if high.t - low.t > _SHORTEST else []
        if not halves:
            return _named(way, low, high)
        low, high = max(halves, key=lambda pair: _unexplained(*pair))
    return None


def find_ahead(
    problem: Problem,
    bases: Sequence[Base],
    leg: PathSegment,
    solved: Sequence[Solution],
    failed: float,
    settings: Settings,
) -> SingularPoint | None:
    """The singular point that keeps a target from being reached, extrapolated from the last members on the way to it.

    Args:
        problem, bases, settings: the family's.
        leg: from where the target was to be solved.
        solved: what is solved on the way.
        failed: the least share of the way that is not. As far beyond it as it is from the last solved one, a singular
            point may be what solving ended at.
    """
    if not _has_path(problem, leg):
        return None
    way = CoefficientPath(problem, bases, settings, leg.start.coefficients, leg.target)
    places = [(way.place(each.coefficients), each) for each in (leg.before, leg.start, *solved) if each is not None]
    trail = [(t, each) for t, each in places if t is not None][-2:]
    if len(trail) < 2:
        return None
    before, here = (way.station(t, each) for t, each in trail)
    moved = float(np.linalg.norm(here.u - before.u))
    found = [(abs(point.moved - moved), point) for each in _ORDER if (point := _extrapolated(each, before, here))]
    likely = min(found, key=lambda each: each[0], default=None)
    if likely is None or not here.t < likely[1].t <= min(1.0, 2 * failed - here.t):
        return None
    return SingularPoint(likely[1].kind, way.at(likely[1].t))


class _Extrapolated(NamedTuple):
    """A singular point ahead, and by how much the solution should have changed between the two stations."""

    kind: Singularity
    t: float
    moved: float


def _extrapolated(kind: Singularity, before: PathPoint, here: PathPoint) -> _Extrapolated | None:
    """Where slopes that grow as ``(t* - t)^(-q)`` become infinite."""
    q = _ORDER[kind]
    slopes = [np.linalg.norm(each.slope) for each in (before, here)]
    with np.errstate(all="ignore"):
        ratio = (slopes[1] / slopes[0]) ** (1 / q)  # of the distances to t*
    if not 1 < ratio < np.inf:
        return None
    distance = (here.t - before.t) / (ratio - 1)
    moved = (ratio * distance * slopes[0] - distance * slopes[1]) / (1 - q)
    return _Extrapolated(kind, float(here.t + distance), float(moved))


def _has_path(problem: Problem, leg: PathSegment) -> bool:
    """Whether there is a path of solutions that slopes are known of: of an equation without integrals, from a solved
    member, by coefficients that are no whole numbers."""
    if not (isinstance(problem, Equation) and problem.pointwise):
        return False
    start, end = leg.start.coefficients, leg.target
    whole = any(isinstance(each, Count) and start[name] != end[name] for name, each in problem.coefficients.items())
    return leg.start.status is Status.CONVERGED and not whole and not start.close_to(end)


def _unexpected(way: CoefficientPath, leg: PathSegment, solution: Solution) -> bool:
    """Whether the step is large, and against what was expected or far larger: by the secant through the member before
    the leg's start, if that lies on the way, else by the slope at the start."""
    place = None if leg.before is None else way.place(leg.before.coefficients)
    u = way.seen_from_the_end if place else way.u
    begin, end = u(leg.start), u(solution)
    step = end - begin
    if np.linalg.norm(step) <= _FELT * max(np.linalg.norm(begin), np.linalg.norm(end)):
        return False
    expected = (u(leg.before) - begin) / place if leg.before and place else way.slope(0.0, leg.start)
    return bool(step @ expected < 0 or np.linalg.norm(step) > _GROWTH * np.linalg.norm(expected))


def _halves(way: CoefficientPath, low: PathPoint, high: PathPoint, solve: Solve) -> list[tuple[PathPoint, PathPoint]]:
    """Both halves of a stretch; none if its middle is not solved."""
    t = (low.t + high.t) / 2
    trials = (solve(each.solution, way.at(t)) for each in (low, high))
    middle = next((each for each in trials if each.status is Status.CONVERGED), None)
    if middle is None:
        return []
    new = way.station(t, middle)
    return [(low, new), (new, high)]


def _named(way: CoefficientPath, low: PathPoint, high: PathPoint) -> SingularPoint | None:
    """What lies in a stretch that stays unexplained."""
    if _through_infinity(low, high):
        near, far = (float(np.linalg.norm(each.slope)) ** 0.5 for each in (high, low))
        share = near / (near + far)  # distances to a pole are as the inverse roots of the slopes
        return SingularPoint(Singularity.RESONANCE, way.at(low.t + share * (high.t - low.t)))
    if high.t - low.t <= _SHORTEST:
        return SingularPoint(Singularity.JUMP, way.at((low.t + high.t) / 2))
    return None


def _unexplained(low: PathPoint, high: PathPoint) -> float:
    """From 0, where the trapezoid rule explains the difference, to 1, where it has nothing to do with it."""
    difference, expected = high.u - low.u, (high.t - low.t) / 2 * (low.slope + high.slope)
    size = np.linalg.norm(difference) + np.linalg.norm(expected)
    return float(np.linalg.norm(difference - expected) / size) if size else 0.0


def _through_infinity(low: PathPoint, high: PathPoint) -> bool:
    """Whether the slopes point against the difference, and would lead at least as far."""
    difference, expected = high.u - low.u, (high.t - low.t) / 2 * (low.slope + high.slope)
    size, reach = np.linalg.norm(difference), np.linalg.norm(expected)
    return bool(difference @ expected < -_OPPOSED * size * reach and reach > _OPPOSED * size)
