"""Snapshots: a family's members as functions, tabulated at the points where residuals are evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.equations.collocation import Collocation, bounding_box
from pacpinn.equations.equation import Equation
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.residuals import Residuals
from pacpinn.errors import PacpinnError
from pacpinn.reduced_basis.derivative_tables import DerivativeTable, Function
from pacpinn.solvers.base import Status
from pacpinn.tasks.coefficient import Coefficients

_POOLED = 8  # coefficients at most whose training points are pooled
_CHECK_POINTS = 512  # at most, inside the domain
_CHECK_SEED = 1
_NEARLY = 2  # times the tolerance: the largest residual of a member that counts as nearly solved


def spanning(solutions: Iterable[Solution]) -> list[Solution]:
    """The solutions that are solved, or nearly: a member that stalled at twice its tolerance spans as well."""
    return [each for each in solutions if each.tolerance is not None and each.residual <= _NEARLY * each.tolerance]


@dataclass(frozen=True)
class Snapshot:
    """One member.

    Attributes:
        coefficients: which task it solves.
        solved: whether its residual met its tolerance.
        function: the network's outputs at points.
        training, check: the tables of this function at the training and check points.
    """

    coefficients: Coefficients
    solved: bool
    function: Function
    training: DerivativeTable
    check: DerivativeTable


class Snapshots:
    """The points on which an equation is reduced, and the members tabulated there.

    Args:
        equation: the family.
        cs: coefficients of the range. The training points of several of them are pooled, since the points of a task may
            be crowded in other places at other coefficients.
        settings: the family's; its device is used, and always double precision.

    Raises:
        PacpinnError: if the domain or its conditions' points change with the coefficients.
    """

    def __init__(self, equation: Equation, cs: Sequence[Coefficients], settings: Settings) -> None:
        self.equation = equation
        settings = replace(settings, dtype=torch.float64)  # differences between members are small
        chosen = np.unique(np.linspace(0, len(cs) - 1, min(_POOLED, len(cs))).round().astype(int))
        tasks = [task for task in (settings.task(equation, cs[i]) for i in chosen) if isinstance(task, EquationTask)]
        _require_one_domain(equation, tasks)
        self.training = _pooled([task.everything() for task in tasks])
        self.check = _check_points(tasks[0].fresh(_CHECK_SEED))
        self.members: list[Snapshot] = []

    def add(self, solutions: Iterable[Solution], bases: Sequence[Base]) -> None:
        """Tabulate further members."""
        for solution in solutions:
            masked = bases[solution.base].masked.to(torch.float64, self.training.x.device)
            forward = masked.forward(solution.z.double())
            function = Residuals(self.equation, solution.coefficients).outputs_of(forward)
            tables = [DerivativeTable.of(function, points.x) for points in (self.training, self.check)]
            solved = solution.status is Status.CONVERGED
            self.members.append(Snapshot(solution.coefficients, solved, function, *tables))


def _require_one_domain(equation: Equation, tasks: Sequence[EquationTask]) -> None:
    first = _outline(tasks[0])
    for task in tasks[1:]:
        other = _outline(task)
        if len(first) != len(other) or not all(map(np.array_equal, first, other)):
            raise PacpinnError(
                f"the domain of {equation.name}, or the points of its conditions, changes with its coefficients; a "
                "reduced basis needs one domain for all: state the equation on a fixed domain, with the coefficient in "
                "its formulas"
            )


def _outline(task: EquationTask) -> list[np.ndarray]:
    """Corners of the domain, and the points of its conditions."""
    batch = task.everything()
    corners = bounding_box(task.equation.geometry(task.coefficients))
    return [*corners, np.array([batch.rows, *batch.counts]), batch.points[: sum(batch.counts)]]


def _pooled(batches: Sequence[Collocation]) -> Collocation:
    """As many points as one batch has: its conditions' points, and inside the domain a part of every batch's points."""
    first = batches[0]
    ends = sum(first.counts)
    inside = ends + np.random.default_rng(0).permutation(first.rows - ends)  # low-discrepancy points come in patterns
    x, points = first.x.clone(), first.points.copy()
    for own, batch in zip(np.array_split(inside, len(batches)), batches, strict=True):
        x[own], points[own] = batch.x[own], batch.points[own]
    return Collocation(x, points, first.conditions, first.counts)


def _check_points(batch: Collocation) -> Collocation:
    """The batch, cut to the number of points that a check takes."""
    rows = min(batch.rows, sum(batch.counts) + _CHECK_POINTS)
    return Collocation(batch.x[:rows], batch.points[:rows], batch.conditions, batch.counts)
