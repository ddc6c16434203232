"""The coefficients of least misfit, by Gauss-Newton, the equation calibrated anew at every step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor

from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.equations.measurements import Measurements
from pacpinn.errors import NotSolved
from pacpinn.inverse.recalibration import Recalibration
from pacpinn.inverse.unknowns import Unknowns
from pacpinn.reduced_basis.reduced_model import Answer
from pacpinn.solvers.base import Status
from pacpinn.tasks.coefficient import Coefficients

_STEPS = 20
_HALVINGS = 5
_NEGLIGIBLE = 0.01  # of a standard error: a step so short changes nothing
_NEARLY = 0.1  # of a standard error: where solutions, known to their tolerance, let the misfit fall no further
_UNSOLVED = 1  # times that the equation may resist being solved, which takes long to find out
_TINY = 1e-300


class Point(NamedTuple):
    """Measurements against the equation at some coefficients.

    Attributes:
        coefficients: which.
        differences: to the measurements in standard deviations ``(m,)``.
        slopes: of these by the unknowns' places ``(m, n)``, and their relative accuracy `rest`.
        solution: of the equation.
    """

    coefficients: Coefficients
    differences: np.ndarray
    slopes: np.ndarray
    rest: float
    solution: Answer | Calibrated

    @property
    def cost(self) -> float:
        """Sum of squares."""
        return float(self.differences @ self.differences)


class Search:
    """Gauss-Newton by calibration."""

    def __init__(
        self, recalibration: Recalibration, measurements: Measurements, unknowns: Unknowns, known: bool
    ) -> None:
        self.recalibration, self.measurements, self.unknowns, self.known = recalibration, measurements, unknowns, known

    def from_(self, start: Coefficients) -> tuple[Point, Status, int]:
        """The best point that is found, how the search ended, and how many coefficients it solved for."""
        began = self._point(start, None)
        if began is None:
            raise NotSolved(
                f"the equation cannot be solved at {start}, where the search begins; expected another start=, or more "
                "members: family.extend([...])"
            )
        (point, moves), self.solved, self.unsolved = began, 1, 0
        for _ in range(_STEPS):
            self.unknowns.require_identifiable(point.slopes, point.rest)
            step = self._step(point)
            length = float(np.linalg.norm(point.slopes @ step)) / max(noise_of(point, self.known, len(step)), _TINY)
            if length <= _NEGLIGIBLE:
                return point, Status.CONVERGED, self.solved
            ahead = self._ahead(point, moves, step)
            if ahead is None:
                return point, Status.CONVERGED if length <= _NEARLY else Status.STALLED, self.solved
            point, moves = ahead
        return point, Status.MAX_STEPS, self.solved

    def _ahead(self, point: Point, moves: Tensor, step: np.ndarray) -> tuple[Point, Tensor] | None:
        """A better point along a step, at its whole length or shorter; None if there is none."""
        here = self.unknowns.places(point.coefficients)
        for share in 0.5 ** np.arange(_HALVINGS):
            c = self.unknowns.at(here + share * step, point.coefficients)
            ahead = self._point(c, (point, moves, self.unknowns.places(c) - here))
            self.solved += 1
            self.unsolved += ahead is None
            if ahead is not None and ahead[0].cost < point.cost:
                return ahead
            if self.unsolved > _UNSOLVED:
                return None
        return None

    def _step(self, point: Point) -> np.ndarray:
        """``min |r + S d|`` over those unknowns that it does not carry out of their range."""
        free = np.ones(len(self.unknowns), dtype=bool)
        step = np.zeros(len(self.unknowns))
        for _ in range(len(free)):
            step[:] = 0
            step[free] = np.linalg.lstsq(point.slopes[:, free], -point.differences, rcond=None)[0]
            out = self.unknowns.outward(point.coefficients, step) & free
            if not out.any():
                break
            free &= ~out
            step[~free] = 0
        return step

    def _point(self, c: Coefficients, before: tuple[Point, Tensor, np.ndarray] | None) -> tuple[Point, Tensor] | None:
        """The equation calibrated at `c`, from the point before along its tangent; None if it is not solved there."""
        ahead = None if before is None else (before[0].solution, before[1], before[2])
        found = self.recalibration.at(c, ahead)
        if found is None:
            return None
        tangent = found.tangent(self.unknowns.names)
        differences, slopes = found.response(self.measurements, self.unknowns.names, tangent)
        scale = self.unknowns.slopes(c)
        moves = tangent.weights * tangent.weights.new_tensor(scale)
        return Point(c, differences, slopes * scale, tangent.rest, found), moves


def noise_of(point: Point, known: bool, unknowns: int) -> float:
    """Standard deviation of the noise, in units of what was given or else of what was measured."""
    return 1.0 if known else (point.cost / (len(point.differences) - unknowns)) ** 0.5
