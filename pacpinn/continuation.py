"""From a solved coefficient to the next one: calibration along a path through coefficient space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pacpinn.coefficient import Coefficients
from pacpinn.errors import PacpinnError
from pacpinn.isolation import untouched
from pacpinn.masked import MaskedNetwork
from pacpinn.methods import calibration
from pacpinn.objective import Objective
from pacpinn.pac import strength
from pacpinn.problem import Problem
from pacpinn.pruning import Criterion
from pacpinn.solvers import Report, Result, SolverChoice, Status, get_solver, silent
from pacpinn.task import Score, Task

_FRESH_SEED = 1


@dataclass(frozen=True)
class Settings:
    """How a family is solved.

    Args:
        keep: kept fraction of the weights, in (0, 1).
        criterion: which weights are kept: ``"global"`` or ``"layer"`` magnitude, or a function.
        always_kept, always_free: patterns of parameter names exempt from the criterion.
        solver: name, configured solver or sequence of them for every solve; by default one that suits the task.
        penalty: strength of both penalties; by default as the task suggests.
        tolerance: root mean square residual at which an equation counts as solved; by default the problem's own.
        halvings: how often a jump that fails may be halved by an intermediate coefficient.
        seed: seed of the initial network and of mini-batches.
        dtype, device: where to compute; by default as the task says, on the CPU.

    Raises:
        PacpinnError: if tolerance, penalty or halvings is out of range.
    """

    keep: float = 0.7
    criterion: str | Criterion = "global"
    always_kept: Sequence[str] = ()
    always_free: Sequence[str] = ()
    solver: SolverChoice = None
    penalty: float | None = None
    tolerance: float | None = None
    halvings: int = 3
    seed: int = 0
    dtype: torch.dtype | None = None
    device: str | torch.device | None = None

    def __post_init__(self) -> None:
        if self.tolerance is not None and not 0 < self.tolerance < math.inf:
            raise PacpinnError(f"tolerance={self.tolerance}; expected a root mean square residual above 0, as 1e-3")
        if self.penalty is not None and not 0 <= self.penalty < math.inf:
            raise PacpinnError(f"penalty={self.penalty}; expected a strength of 0 or more, as 1e-12")
        if self.halvings < 0:
            raise PacpinnError(f"halvings={self.halvings}; expected 0 or more")

    def task(self, problem: Problem, c: Coefficients) -> Task:
        """The task at `c`, where and to what tolerance these settings say."""
        task = problem.task(**c).to(self.dtype, self.device)
        if self.tolerance is not None and task.tolerance is not None:
            task.tolerance = self.tolerance
        return task


@dataclass(frozen=True)
class Solution:
    """One solved member of a family.

    Attributes:
        coefficients: which task.
        base: index of the base whose frozen weights it builds on.
        z: its own weights: the base's free ones, ``(p,)``.
        status, steps, seconds, history: how the solve went, as in :class:`Result`.
        residual: root mean square residual on points that training did not see (for data: root of the training loss).
        score: the task's metric on a reference or on test data; None without such.
        parent: the member from which the solve started; None for the source.
    """

    coefficients: Coefficients
    base: int
    z: Tensor
    status: Status
    steps: int
    seconds: float
    history: list[float]
    residual: float
    score: Score | None
    parent: Coefficients | None

    @classmethod
    def of(cls, task: Task, masked: MaskedNetwork, result: Result, base: int, parent: Coefficients | None) -> Solution:
        """Judge a solver's result on fresh points and against the reference."""
        with untouched():
            residual = Objective(task, masked).rms(result.z, task.fresh(_FRESH_SEED))
            score = task.score(masked.forward(result.z))
        return cls(
            coefficients=task.coefficients,
            base=base,
            z=result.z,
            status=result.status,
            steps=result.steps,
            seconds=result.seconds,
            history=result.history,
            residual=residual,
            score=score,
            parent=parent,
        )


def advance(
    problem: Problem,
    bases: Sequence[MaskedNetwork],
    parent: Solution,
    target: Coefficients,
    settings: Settings,
    report: Report = silent,
) -> Solution:
    """Calibrate `parent`'s base to `target`, starting from the parent's weights: one pure step along the tree.

    If an equation does not reach its tolerance, the step is halved by an intermediate coefficient, and each half may be
    halved again. Steps and seconds count everything that was tried.
    """
    solution = _calibrate(problem, bases, parent, target, settings, report)
    middle = problem.between(parent.coefficients, target)
    if solution.status in (Status.CONVERGED, Status.INTERRUPTED) or not settings.halvings:
        return solution
    if middle.close_to(parent.coefficients) or middle.close_to(target):
        return solution
    halved = replace(settings, halvings=settings.halvings - 1)
    waypoint = advance(problem, bases, parent, middle, halved, report)
    again = advance(problem, bases, waypoint, target, halved, report)
    better = min(solution, again, key=lambda each: (each.status is not Status.CONVERGED, each.residual))
    tried = (solution, waypoint, again)
    return replace(
        better,
        steps=sum(each.steps for each in tried),
        seconds=sum(each.seconds for each in tried),
        parent=parent.coefficients,
    )


def _calibrate(
    problem: Problem,
    bases: Sequence[MaskedNetwork],
    parent: Solution,
    target: Coefficients,
    settings: Settings,
    report: Report,
) -> Solution:
    task = settings.task(problem, target)
    base = bases[parent.base]
    with untouched():
        method = calibration(base, parent.z)
        result = method.train(
            task, get_solver(settings.solver, task), strength(settings.penalty, task), settings.seed, report
        )
    return Solution.of(task, base, result, parent.base, parent.coefficients)
