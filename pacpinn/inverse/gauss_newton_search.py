"""Gauss-Newton for the coefficients of least misfit; the equation is solved by calibration at every step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import lsq_linear

from pacpinn.continuation.sensitivity import Calibrated, Tangent
from pacpinn.errors import NotSolved
from pacpinn.inverse.inverse_problem import InverseProblem, Point
from pacpinn.inverse.recalibration import Recalibration, Start
from pacpinn.solvers.base import Status
from pacpinn.tasks.coefficient import Coefficients

_STEPS = 20
_HALVINGS = 5
_NEGLIGIBLE = 0.01  # of a standard error: a step of this length changes nothing
_NEARLY = 0.1  # of a standard error: if the misfit falls no further, only the solutions' tolerance is in the way
_UNSOLVED = 1  # failed solves that are accepted: each takes long
_TINY = 1e-300


class _Iterate(NamedTuple):
    point: Point
    solution: Calibrated
    tangent: Tangent  # the derivative of its free weights by the unknowns' scaled variables

    def along(self, step: np.ndarray) -> Start:
        """Where to start for scaled variables moved by `step` ``(n,)``: along the tangent."""
        moves = self.tangent.weights
        return Start(self.solution.base, self.solution.z + moves @ moves.new_tensor(step))


class Search:
    """Gauss-Newton with step halving (Nocedal & Wright 2006, section 10.3), from one calibrated solution to the next.

    `solved` counts the coefficients for which the equation was solved, or tried.
    """

    def __init__(self, recalibration: Recalibration, problem: InverseProblem) -> None:
        self.recalibration, self.problem, self.unknowns = recalibration, problem, problem.unknowns
        self.solved = self._unsolved = 0

    def minimise(self, start: Coefficients, nearby: Start | None = None) -> tuple[Point, Status]:
        """The best point found, and how the search ended; the first solution is calibrated from one `nearby`, if given.

        Raises:
            NotSolved: if the equation cannot be solved at `start`.
            NotIdentifiable: if the measurements do not determine the unknowns.
        """
        iterate = self._iterate(start, nearby)
        if iterate is None:
            raise NotSolved(
                f"the equation cannot be solved at {start}, where the search begins; expected another start=, or more "
                "members: family.extend([...])"
            )
        for _ in range(_STEPS):
            point = iterate.point
            self.unknowns.require_identifiable(point.slopes, iterate.tangent.rest)
            step = self._step(point)
            length = float(np.linalg.norm(point.slopes @ step)) / max(self.problem.noise(point), _TINY)
            if length <= _NEGLIGIBLE:
                return point, Status.CONVERGED
            better = self._better(iterate, step)
            if better is None:
                return point, Status.CONVERGED if length <= _NEARLY else Status.STALLED
            iterate = better
        return iterate.point, Status.MAX_STEPS

    def _step(self, point: Point) -> np.ndarray:
        """``min |r + S d|`` over all steps d that do not lead out of a range at whose end the point lies."""
        bounds = self.unknowns.step_bounds(point.coefficients)
        return lsq_linear(point.slopes, -point.differences, bounds, method="bvls").x

    def _better(self, iterate: _Iterate, step: np.ndarray) -> _Iterate | None:
        """A better point along a step, at its whole length or shorter; None if there is none."""
        point, places = iterate.point, self.unknowns.places(iterate.point.coefficients)
        for share in 0.5 ** np.arange(_HALVINGS):
            c = self.unknowns.at(places + share * step, point.coefficients)
            trial = self._iterate(c, iterate.along(self.unknowns.places(c) - places))
            if trial is not None and trial.point.cost < point.cost:
                return trial
            if self._unsolved > _UNSOLVED:
                return None
        return None

    def _iterate(self, c: Coefficients, start: Start | None) -> _Iterate | None:
        """The equation calibrated at `c` from a start; None if it is not solved."""
        names = self.unknowns.names
        found = self.recalibration.at(c, start)
        self.solved += 1
        self._unsolved += found is None
        if found is None:
            return None
        tangent, scale = found.tangent(names), self.unknowns.slopes(c)
        differences, slopes = found.response(self.problem.measurements, names, tangent)
        weights = tangent.weights * tangent.weights.new_tensor(scale)
        return _Iterate(Point(c, differences, slopes * scale, found), found, Tangent(weights, tangent.rest))
