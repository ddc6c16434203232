"""The equation solved by calibration at the coefficients that a search asks for, one after the other."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from torch import Tensor

from pacpinn.continuation.calibration import PathSegment, calibration_objective
from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.continuation.settings import Settings, StepContext
from pacpinn.continuation.solution import Base, Solution, SolutionOnBase
from pacpinn.continuation.step_control import continue_to
from pacpinn.equations.equation import Equation
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.measurements import Measurements
from pacpinn.errors import NotSolved
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Status
from pacpinn.solvers.choice import get_solver
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.transfer.methods import minimise


class Start(NamedTuple):
    """A base, and its free weights ``(p,)`` from which to calibrate."""

    base: MaskedNetwork
    z: Tensor


class Recalibration:
    """Calibrates from the nearest solved member, or from the last iterate along its tangent; the family is not changed.

    Raises:
        NotSolved: if no member is solved.
    """

    def __init__(
        self, equation: Equation, members: Mapping[Coefficients, Solution], bases: Sequence[Base], settings: Settings
    ) -> None:
        self.equation, self.settings, self.bases = equation, settings, list(bases)
        self.members = [each for each in members.values() if each.status is Status.CONVERGED]
        if not self.members:
            raise NotSolved(f"no member of {equation.name} is solved; expected at least one, to start from")

    def best(self, measurements: Measurements, base: Coefficients, unknown: Sequence[str]) -> Coefficients:
        """The `unknown` coefficients of the member that fits the measurements best; all others as in `base`."""
        misfits = [
            self._calibrated(self.bases[each.base].masked, each.z, each.coefficients).misfit(measurements)
            for each in self.members
        ]
        found = self.members[int(np.argmin(misfits))].coefficients
        return Coefficients(**{**base, **{name: found[name] for name in unknown}})

    def tighter(self, times: float) -> Recalibration:
        """The same with a tolerance that is so many times as large."""
        tolerance = self.settings.task(self.equation, self.members[0].coefficients).tolerance
        other = copy.copy(self)
        other.settings = replace(self.settings, tolerance=None if tolerance is None else times * tolerance)
        return other

    def at(self, c: Coefficients, start: Start | None = None) -> Calibrated | None:
        """The equation solved at `c`, from the `start` or else from the nearest member; None if it cannot be."""
        near = min(self.members, key=lambda each: self.equation.space.distance(each.coefficients, c))
        if start is None:
            start = Start(self.bases[near.base].masked, near.z)
            if near.coefficients.close_to(c):
                return self._calibrated(*start, c)
        base, z = start
        with untouched():
            objective = calibration_objective(self.settings.task(self.equation, c), base, self.settings)
            result = minimise(objective, get_solver(self.settings.solver, objective.task), z.to(near.z.dtype))
        if result.status is Status.CONVERGED:
            return self._calibrated(base, result.z, c)
        segment = PathSegment(SolutionOnBase(near, self.bases[near.base]), c)
        found, grown = continue_to(StepContext(self.equation, self.bases, self.settings), segment)
        self.bases += grown
        return self._calibrated(found.base.masked, found.solution.z, c) if found.solved else None

    def _calibrated(self, base: MaskedNetwork, z: Tensor, c: Coefficients) -> Calibrated:
        task = self.settings.task(self.equation, c)
        assert isinstance(task, EquationTask)
        return Calibrated(task, base, z)
