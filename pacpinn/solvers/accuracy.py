"""Solve until the estimated error of the solution is within the tolerance: a residual is not an error."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from pacpinn.networks.error_estimate import error_estimate
from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Report, Result, Solver, Status, silent
from pacpinn.solvers.choice import InTurn
from pacpinn.tasks.task import Task

log = logging.getLogger(__name__)

_ROUNDS = 8  # of solving to a smaller residual
_FIRST = 3  # times the tolerance: the residual of the first round, where nothing is known
_RANGE = 10  # times more or less, where a solution nearby tells
_SHARE = 0.5  # of the tolerance: the error that a round aims at
_LEAST, _MOST = 0.1, 0.5  # of the residual before: the residual that a further round aims at
_SLOW = 10  # steps in which the loss falls by less than half: then the error is estimated before the goal is reached
_BETWEEN = 2  # times the residual at the training points: a larger one between them shows that these are too few
_GAIN = 0.5  # of the residual between the points two choices before: if more is left, other points do not help
_TRUST = 4  # times the tolerance: the largest bound of an error beside which its estimate is believed


def presumed_error(estimate: float, bound: float | None) -> float:
    """The error to compare with a tolerance: the estimate, or a quarter of its bound where that is larger.

    A bound of None, as in older files, does not count.
    """
    return estimate if bound is None else max(estimate, bound / _TRUST)


def solve_to_accuracy(objective: Objective, solver: Solver, z: Tensor, report: Report = silent) -> Result:
    """Solve from `z` ``(p,)`` until the estimated error is within the task's tolerance.

    The residuals have sizes, so that a residual as large as the tolerance would leave an error as large where it is
    smooth. Most residuals change their sign from point to point and leave less, so that the first round solves to a
    few times that, or to the objective's own goal. How much error it leaves decides the residual of the next round. A
    round whose loss falls slowly ends before its goal, once its residual promises the accuracy. The solve has converged
    where estimate and bound say so, whatever the residual. Where the solver can lower the residual no further before
    that, but it is larger between the training points than at them, these are chosen anew by the residual, for as long
    as two choices halve it between the points; else the solve has stalled. Tasks whose error cannot be estimated are
    solved once, as the solver does it. Of several solvers in turn, the last takes the further rounds.
    """
    task = objective.task
    if objective.goal is None:
        objective = replace(objective, goal=first_goal(task))
    watch = _Watch(report, _FIRST * task.tolerance if task.estimable and task.tolerance is not None else 0.0)
    return _further_rounds(objective, solver, solver(objective, z, watch), watch)


def first_goal(task: Task, error_per_residual: float | None = None) -> float | None:
    """The residual of the first round; None for the task's own tolerance, where no residual tells an error.

    The `error_per_residual` is that of a solution nearby, if one is known.
    """
    if not task.estimable or task.tolerance is None:
        return None
    if error_per_residual is None:
        return _FIRST * task.tolerance
    times = _SHARE / max(error_per_residual, _SHARE / (_FIRST * _RANGE))
    return max(times, _FIRST / _RANGE) * task.tolerance


def to_accuracy(objective: Objective, solver: Solver, first: Result, report: Report = silent) -> Result:
    """:func:`solve_to_accuracy` after its first round, whose result is `first`."""
    return _further_rounds(objective, solver, first, _Watch(report))


@dataclass
class _Watch:
    """A report that ends a round whose residual is small enough to ask for the error, and falls slowly.

    How much error a residual leaves is not known before it is estimated, and an estimate costs a few steps only.
    """

    report: Report
    small: float = 0.0  # a root mean square residual
    ended: bool = False  # whether it ended the round
    _losses: list[float] = field(default_factory=list)

    def __call__(self, step: int, loss: float) -> bool:
        if self.report(step, loss):
            return True
        self._losses.append(loss)
        slow = len(self._losses) > _SLOW and 2 * loss > self._losses[-1 - _SLOW]
        self.ended = slow and loss <= self.small**2
        return self.ended


def _further_rounds(objective: Objective, solver: Solver, first: Result, watch: _Watch) -> Result:
    results, goal, rounds, between = [first], objective.tolerance, 1, list[float]()
    further = solver.solvers[-1] if isinstance(solver, InTurn) else solver
    while True:
        result = Result.joined(results)
        estimate = error_estimate(objective.task, objective.masked, result.z)
        if estimate is None or goal is None or objective.task.tolerance is None:
            return result
        result = replace(result, error_estimate=estimate.relative, error_bound=estimate.bound)
        excess = presumed_error(estimate.relative, estimate.bound) / objective.task.tolerance
        if excess <= 1 and result.status is not Status.DIVERGED:
            return replace(result, status=Status.CONVERGED)
        at_points = result.history[-1] ** 0.5 if result.history else goal
        if result.status is Status.CONVERGED or watch.ended:
            if rounds == _ROUNDS:
                return replace(result, status=Status.STALLED)
            rounds += 1
            goal = (at_points if watch.ended else goal) * min(max(_SHARE / excess, _LEAST), _MOST)
        elif result.status is Status.STALLED and (task := _on_other_points(objective, result, between)):
            objective = replace(objective, task=task)
        else:
            return result
        watch = _Watch(watch.report, at_points / excess)
        results.append(further(replace(objective, goal=goal), result.z, watch))


def needs_points(between: float, history: Sequence[float]) -> bool:
    """Whether a root mean square residual `between` the training points is much larger than theirs, by the history."""
    return bool(history) and between > _BETWEEN * history[-1] ** 0.5


def _on_other_points(objective: Objective, result: Result, before: list[float]) -> Task | None:
    """The task on training points chosen anew; None if they are not too few, or if two choices have not helped.

    The residual between the points is noted: `before` has those of earlier calls.
    """
    between = float(objective.fresh_misfit(result.z[None]).sqrt())
    if not needs_points(between, result.history) or (len(before) > 1 and between > _GAIN * before[-2]):
        return None
    before.append(between)
    task = objective.task.redrawn(objective.forward(result.z), turn=len(before))
    if task is not None:
        at_points = result.history[-1] ** 0.5
        log.info("residual %.1e at the training points, %.1e between: others are chosen", at_points, between)
    return task
