"""The reduced model of a family: answers at any coefficients between its members, with an indicator of their error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.equations.equation import require_equation
from pacpinn.errors import PacpinnError
from pacpinn.reduced_basis.error_indicator import ErrorRatios
from pacpinn.reduced_basis.gauss_newton import least_squares
from pacpinn.reduced_basis.reduced_residual import ReducedResidual
from pacpinn.reduced_basis.reduced_solver import ReducedSolver, batches
from pacpinn.reduced_basis.snapshots import Snapshots, spanning
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import CoefficientIndex, Coefficients
from pacpinn.tasks.parameter_space import Range
from pacpinn.tasks.problem import Problem

Kind = Literal["calibrated", "reduced basis"]


@dataclass(frozen=True)
class Answer:
    """The solution at one coefficient, by a member or in the span of all members.

    Attributes:
        coefficients: which task.
        kind: ``"calibrated"`` for a member of the family, else ``"reduced basis"``.
        residual: root mean square residual on points that no solve saw, each block in its size.
        error_estimate: of the error relative to the variation of each output; see
            :mod:`~pacpinn.reduced_basis.error_indicator`, and of a member its own.
        error_bound: what this error may be at most, as far as the residual tells.
    """

    coefficients: Coefficients
    kind: Kind
    residual: float
    error_estimate: float
    error_bound: float
    _model: ReducedModel = field(repr=False)
    _weights: Tensor = field(repr=False)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The solution ``(rows, outputs)`` at points `x` ``(rows, inputs)``."""
        return self._model.predict([self], x)[0]


class ReducedModel:
    """The equation reduced to the span of its members.

    Args:
        snapshots: the members, two at least.
        within: the range over which answers have been checked, if there is one. It may reach beyond the members.

    Attributes:
        ends: least and largest value of each coefficient that can be asked for.
    """

    def __init__(self, snapshots: Snapshots, within: Range | None = None) -> None:
        self.snapshots, self.equation, self.members = snapshots, snapshots.equation, snapshots.members
        self.solver = ReducedSolver(snapshots, within or {})
        self.basis, self.ends = self.solver.basis, self.solver.ends
        self._solved = {each.coefficients: k for k, each in enumerate(self.members) if each.solved}
        self._index = CoefficientIndex(self._solved)

    def answer(self, cs: Sequence[Coefficients]) -> list[Answer]:
        """Members as they are; all other coefficients are solved for in the members' span."""
        members = [self._index.find(c) for c in cs]
        others = iter(self.solve([c for c, member in zip(cs, members, strict=True) if member is None]))
        return [next(others) if member is None else self.member(self._solved[member]) for member in members]

    def solve(self, cs: Sequence[Coefficients]) -> list[Answer]:
        """Solve for each of the coefficients in the members' span, and check the residual on other points."""
        answers: list[Answer] = []
        with untouched():
            modes = self.basis.coordinates.shape[1]
            for batch in batches(len(cs), max(self.solver.selected_rows.points.rows * modes, self.check.points.rows)):
                b = self.solver.coordinates(cs[batch])
                residuals, weights = self.check.residuals(cs[batch], b).norm(dim=1).tolist(), self.basis.weights(b)
                errors = zip(*self._relative_errors(cs[batch], residuals, weights), strict=True)
                answers += [
                    Answer(c, "reduced basis", residual, *error, self, own)
                    for c, residual, error, own in zip(cs[batch], residuals, errors, weights, strict=True)
                ]
        return answers

    def _relative_errors(
        self, cs: Sequence[Coefficients], residuals: Sequence[float], weights: Tensor
    ) -> tuple[list[float], list[float]]:
        """Estimates and bounds of the worst outputs' errors, of answers with `weights` ``(k, functions)``."""
        yardsticks = [self.snapshots.yardstick(c, own) for c, own in zip(cs, weights, strict=True)]
        per_residual = np.array(residuals)[:, None] / torch.stack(yardsticks).numpy(force=True)
        estimates, bounds = ((ratios * per_residual).max(axis=1).tolist() for ratios in self.ratios.at(cs))
        return estimates, bounds

    def member(self, k: int) -> Answer:
        """The member with index `k` as it is."""
        member, b = self.members[k], self.solver.of_members[k : k + 1]
        c, weights = member.coefficients, torch.eye(len(self.basis.modes)).to(b)[self.snapshots.own][k]
        residual = float(self.check.residuals([c], b).norm(dim=1))
        (estimate,), (bound,) = self._relative_errors([c], [residual], weights[None])
        if member.error is not None:
            estimate, bound = member.error, max(bound, member.error)
        return Answer(c, "calibrated", residual, estimate, bound, self, weights)

    def predict(self, answers: Sequence[Answer], x: np.ndarray) -> np.ndarray:
        """Values ``(answers, rows, outputs)`` at points `x` ``(rows, inputs)``; members are evaluated once for all."""
        points = self.snapshots.training.x.new_tensor(np.asarray(x))
        outputs = self.snapshots.outputs(points)
        found = [self.snapshots.solution(each.coefficients, outputs @ each._weights, points) for each in answers]
        return torch.stack(found).numpy(force=True)

    def sensitivity(self, c: Coefficients, x: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """du/dc ``(rows, outputs, names)`` at points `x` ``(rows, inputs)``.

        The coordinates solve ``J db = -dr/dc`` in the least squares: residuals stay constant to first order. The
        central difference in c includes the change of the equation's transform with c.
        """
        equation, points = self.solver.all_rows, self.snapshots.training.x.new_tensor(x)
        columns = []
        with untouched():
            b = self.solver.coordinates([c])
            jacobian = equation.linearise([c], b).jacobian[0]
            members = self.snapshots.outputs(points)
            outputs, modes = members @ self.basis.weights(b)[0], members @ self.basis.modes[:, 1:]
            for name in names:
                pair = self.equation.space.neighbours(c, name)
                below, above = (equation.residuals([each], b)[0] for each in pair)
                change = modes @ least_squares(jacobian, -(above - below)[:, None])[:, 0]
                moved = [(pair[0], outputs - 0.5 * change), (pair[1], outputs + 0.5 * change)]
                below, above = (self.snapshots.solution(*each, points) for each in moved)
                columns.append((above - below) / (pair[1][name] - pair[0][name]))
        return torch.stack(columns, dim=-1).numpy(force=True)

    @cached_property
    def check(self) -> ReducedResidual:
        """The equation on the check points, which the solve does not see."""
        return self.snapshots.on_check(self.basis.modes)

    @cached_property
    def ratios(self) -> ErrorRatios:
        """Relative error per unit of residual over the coefficients, measured at samples when it is first needed."""
        box, cs = self.solver.sampled
        return ErrorRatios.measured(self.snapshots, self.basis, box, cs, self.solver.coordinates(cs))


def reduced(
    problem: Problem, solutions: Iterable[Solution], bases: Sequence[Base], settings: Settings, within: Range | None
) -> ReducedModel:
    """The problem reduced to the span of the members that are solved, or nearly.

    Raises:
        PacpinnError: if the problem is no equation, or there are fewer than two such members.
    """
    equation, members = require_equation(problem), spanning(solutions)
    if len(members) < 2:
        raise PacpinnError(
            f"{problem.name} has {len(members)} solved member; expected two at least to answer what lies between them: "
            "family.extend([...]) solves more"
        )
    cs = sorted((each.coefficients for each in members), key=lambda c: tuple(c.values()))
    return ReducedModel(Snapshots.over(equation, cs, settings, within or ()).extended(members, bases), within)
