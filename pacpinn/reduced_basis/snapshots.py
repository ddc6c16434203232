"""A family's members as functions, tabulated where residuals are asked for: what a reduced basis is built on."""

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
from pacpinn.equations.residuals import outputs_of
from pacpinn.errors import PacpinnError
from pacpinn.reduced_basis.derivative_tables import DerivativeTable, Function
from pacpinn.solvers.base import Status
from pacpinn.tasks.coefficient import Coefficients

_PLACES = 8  # coefficients at most, whose points are pooled
_CHECKED = 512  # points inside the domain, on which a residual is checked
_CHECK_SEED = 1
_NEARLY = 2  # times its tolerance


def spanning(solutions: Iterable[Solution]) -> list[Solution]:
    """Those solved, or nearly: one that has stalled at twice its tolerance spans as well as one that has met it."""
    return [each for each in solutions if each.tolerance is not None and each.residual <= _NEARLY * each.tolerance]


@dataclass(frozen=True)
class Snapshot:
    """One member as a function, with its table at the training points and at those of the check."""

    coefficients: Coefficients
    solved: bool
    function: Function
    training: DerivativeTable
    check: DerivativeTable


class Snapshots:
    """The points on which an equation is reduced, and the members tabulated there.

    Args:
        equation: the family.
        places: some coefficients of the range, whose training points are pooled: those of one may be crowded elsewhere
            than those of another.
        settings: where to compute.

    Raises:
        PacpinnError: if the domain or its conditions' points change with the coefficients.
    """

    def __init__(self, equation: Equation, places: Sequence[Coefficients], settings: Settings) -> None:
        self.equation = equation
        settings = replace(settings, dtype=torch.float64)  # small differences between members count
        chosen = np.unique(np.linspace(0, len(places) - 1, min(_PLACES, len(places))).round().astype(int))
        everywhere = [settings.task(equation, places[i]) for i in chosen]
        tasks = [task for task in everywhere if isinstance(task, EquationTask)]
        _require_one_domain(equation, tasks)
        self.training = _pooled([task.everything() for task in tasks])
        self.check = _some(tasks[0].fresh(_CHECK_SEED))
        self.members: list[Snapshot] = []

    def add(self, solutions: Iterable[Solution], bases: Sequence[Base]) -> None:
        """Tabulate further members."""
        for solution in solutions:
            masked = bases[solution.base].masked.to(torch.float64, self.training.x.device)
            forward = masked.forward(solution.z.double())
            function = outputs_of(self.equation, solution.coefficients, forward)
            tables = [DerivativeTable.of(function, points.x) for points in (self.training, self.check)]
            solved = solution.status is Status.CONVERGED
            self.members.append(Snapshot(solution.coefficients, solved, function, *tables))


def _require_one_domain(equation: Equation, tasks: Sequence[EquationTask]) -> None:
    """The domain, and where its conditions hold, must be the same for all coefficients."""
    first = _outline(tasks[0])
    for task in tasks[1:]:
        other = _outline(task)
        if len(first) != len(other) or not all(map(np.array_equal, first, other)):
            raise PacpinnError(
                f"the domain of {equation.name}, or where its conditions hold, changes with its coefficients; a "
                "reduced basis needs one for all: state the equation on a fixed domain, with the coefficient in its "
                "formulas"
            )


def _outline(task: EquationTask) -> list[np.ndarray]:
    """Corners of the domain, and the points of its conditions."""
    batch = task.everything()
    corners = bounding_box(task.equation.geometry(task.coefficients))
    return [*corners, np.array([batch.rows, *batch.counts]), batch.points[: sum(batch.counts)]]


def _pooled(batches: Sequence[Collocation]) -> Collocation:
    """As many points as one task has: those of the conditions, and inside the domain some of each task's."""
    first = batches[0]
    ends = sum(first.counts)
    inside = ends + np.random.default_rng(0).permutation(first.rows - ends)  # low-discrepancy points come in patterns
    x, points = first.x.clone(), first.points.copy()
    for own, each in zip(np.array_split(inside, len(batches)), batches, strict=True):
        x[own], points[own] = each.x[own], each.points[own]
    return Collocation(x, points, first.conditions, first.counts)


def _some(batch: Collocation) -> Collocation:
    """A batch with no more points inside the domain than a check takes."""
    rows = min(batch.rows, sum(batch.counts) + _CHECKED)
    return Collocation(batch.x[:rows], batch.points[:rows], batch.conditions, batch.counts)
