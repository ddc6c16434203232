"""The straight path between two tasks of an equation, and the solutions on it as functions with slopes."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.solution import SolutionOnBase
from pacpinn.equations.equation import Equation
from pacpinn.equations.equation_task import EquationTask
from pacpinn.errors import MeasurementError
from pacpinn.tasks.coefficient import Coefficients, Count

_POINTS = 200  # at which solutions are compared
_MOST_WEIGHTS = 3000  # with more free weights the tangent would take longer than solving the target
_NEAR = 0.1  # of the path's length: a member this far from its line counts as lying on it
_DIFFERENCE = 1e-4  # of the path, for the derivative of the coefficients along it


class PathPoint(NamedTuple):
    """A solved point of a path c(t): values `u` of the solution and their slope du/dt, ``(points * outputs,)``."""

    t: float
    solved: SolutionOnBase
    u: np.ndarray
    slope: np.ndarray


class CoefficientPath:
    """The coefficients c(t) of an equation with c(0) = `start` and c(1) = `end`, straight in their own scales."""

    def __init__(self, context: StepContext, start: Coefficients, end: Coefficients) -> None:
        self.context, self.space, self.start, self.end = context, context.problem.space, start, end

    @cached_property
    def end_task(self) -> EquationTask:
        return self._task(self.end)

    @cached_property
    def x(self) -> np.ndarray:
        """Points of the domain at which solutions are compared, ``(points, inputs)``."""
        grid = self.end_task.grid()
        return grid[:: max(1, len(grid) // _POINTS)]

    def at(self, t: float) -> Coefficients:
        return self.space.between(self.start, self.end, t)

    def t_of(self, c: Coefficients) -> float | None:
        """The t of coefficients that lie on the path or on its extension; None if they lie beside it."""
        t = 1 + self.space.beyond(self.start, self.end, c)
        length = self.space.distance(self.start, self.end)
        return t if self.space.distance(self.at(t), c) <= _NEAR * length else None

    def point(self, t: float, solved: SolutionOnBase) -> PathPoint:
        return PathPoint(t, solved, self.u(solved), self.slope(t, solved))

    def u(self, solved: SolutionOnBase, task: EquationTask | None = None) -> np.ndarray:
        """Values of a solution's network, with the features and transform of its own task or of another one."""
        task = task or self._task(solved.coefficients)
        return task.predict(solved.forward, self.x).ravel().astype(float)

    def slope(self, t: float, solved: SolutionOnBase) -> np.ndarray:
        """du/dt of a solution at c(t); NaN, which counts as smooth, if it cannot be computed."""
        unknown = np.full(len(self.x) * len(self.end_task.equation.outputs), np.nan)
        if len(solved.solution.z) > _MOST_WEIGHTS:
            return unknown
        names = [name for name in self.start if self.start[name] != self.end[name]]
        behind, ahead = self.at(t - _DIFFERENCE), self.at(t + _DIFFERENCE)
        dc_dt = np.array([(ahead[name] - behind[name]) / (2 * _DIFFERENCE) for name in names])
        calibrated = Calibrated(self._task(solved.coefficients), solved.base.masked, solved.solution.z)
        try:
            return (calibrated.sensitivity(self.x, names) @ dc_dt).ravel()
        except (MeasurementError, RuntimeError):  # points outside its own domain; a singular system for the tangent
            return unknown

    def _task(self, c: Coefficients) -> EquationTask:
        task = self.context.task(c)
        assert isinstance(task, EquationTask)
        return task


def path_of(context: StepContext, segment: PathSegment) -> CoefficientPath | None:
    """A segment as a path of solutions with slopes; None if it has no length, if its start is not solved, without an
    equation, with integrals in the equation, and where coefficients change that are whole numbers."""
    problem = context.problem
    if not (isinstance(problem, Equation) and problem.pointwise and segment.start.solved):
        return None
    start, end = segment.start.coefficients, segment.target
    whole = any(isinstance(each, Count) and start[name] != end[name] for name, each in problem.coefficients.items())
    return None if whole or start.close_to(end) else CoefficientPath(context, start, end)
