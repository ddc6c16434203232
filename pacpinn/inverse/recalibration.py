"""The equation solved by calibration at the coefficients that a search asks for, one after the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

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
from pacpinn.networks.error_estimate import error_estimate
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Status
from pacpinn.solvers.choice import get_solver
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.transfer.methods import minimise


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

    def at(self, c: Coefficients, before: tuple[Any, Tensor, np.ndarray] | None = None) -> Calibrated | None:
        """The equation solved at `c`; None if it cannot be.

        `before` holds the last solution, the derivative of its free weights by the unknowns' scaled variables
        ``(p, n)``, and the change of these variables since then ``(n,)``.
        """
        near = min(self.members, key=lambda each: self.equation.space.distance(each.coefficients, c))
        base, start = self.bases[near.base].masked, near.z
        if before is not None:
            last, moves, step = before
            base, start = last.base, (last.z + moves @ moves.new_tensor(step)).to(near.z.dtype)
        elif near.coefficients.close_to(c):
            return self._calibrated(base, start, c)
        with untouched():
            objective = calibration_objective(self.settings.task(self.equation, c), base, self.settings)
            result = minimise(objective, get_solver(self.settings.solver, objective.task), start)
        if result.status is Status.CONVERGED:
            return self._calibrated(base, result.z, c)
        segment = PathSegment(SolutionOnBase(near, self.bases[near.base]), c)
        found, grown = continue_to(StepContext(self.equation, self.bases, self.settings), segment)
        self.bases += grown
        return self._calibrated(found.base.masked, found.solution.z, c) if found.solved else None

    def error(self, solution: Calibrated) -> float:
        """Estimated relative error of a solution; NaN if no residual tells it."""
        found = error_estimate(solution.task, solution.masked, solution.z)
        return math.nan if found is None else found.relative

    def _calibrated(self, base: MaskedNetwork, z: Tensor, c: Coefficients) -> Calibrated:
        task = self.settings.task(self.equation, c)
        assert isinstance(task, EquationTask)
        return Calibrated(task, base, z)
