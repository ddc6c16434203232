"""The solvers by name, several in turn, and the default solver of a task. To add one, add it to :data:`SOLVERS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor

from pacpinn.errors import UnknownSolver
from pacpinn.networks.objective import Objective
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Report, Result, Solver, Status, silent
from pacpinn.solvers.lbfgs import LBFGS
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.solvers.memory_estimate import Footprint, Sized
from pacpinn.solvers.nncg import NNCG
from pacpinn.tasks.task import Task

SOLVERS: dict[str, Any] = {"levenberg-marquardt": LevenbergMarquardt, "adam": Adam, "lbfgs": LBFGS, "nncg": NNCG}

SolverChoice = str | Solver | Sequence["str | Solver"] | None


@dataclass(frozen=True)
class InTurn:
    """Runs `solvers` in turn, such as Adam and then L-BFGS; ends early if the task has reached its tolerance."""

    solvers: Sequence[Solver]

    @property
    def needs_validation(self) -> bool:
        """Whether one of the solvers stops by validation data."""
        return needs_validation(self.solvers)

    def bytes_needed(self, footprint: Footprint) -> float:
        """The largest need of the solvers."""
        return max(solver.bytes_needed(footprint) if isinstance(solver, Sized) else 0.0 for solver in self.solvers)

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        results: list[Result] = []
        for solver in self.solvers:
            done = sum(result.steps for result in results)
            results.append(solver(objective, z, _counted_from(done, report)))
            z = results[-1].z
            if results[-1].status is Status.CONVERGED and objective.tolerance is not None:
                break
        return Result.joined(results)


def _counted_from(done: int, report: Report) -> Report:
    return lambda step, loss: report(done + step, loss)


def get_solver(choice: SolverChoice, task: Task) -> Solver:
    """The solver for a choice: a name of :data:`SOLVERS`, a configured solver, a sequence of either, or None.

    None gives the task's default: an equation, which can be solved to a tolerance, gets Levenberg-Marquardt; data,
    which can only be fitted, get Adam. Anything else raises :class:`UnknownSolver`, which names the known solvers.
    """
    if choice is None:
        return LevenbergMarquardt() if task.tolerance is not None else Adam()
    if isinstance(choice, str):
        if choice not in SOLVERS:
            raise UnknownSolver(f"there is no solver {choice!r}; known are: {', '.join(SOLVERS)}")
        return cast(Solver, SOLVERS[choice]())
    if isinstance(choice, Sequence):
        if not choice:
            raise UnknownSolver("an empty sequence of solvers; expected at least one")
        return InTurn([get_solver(member, task) for member in choice])
    if not callable(choice):
        raise UnknownSolver(f"{choice!r} is no solver; expected one of {', '.join(SOLVERS)}, or a configured solver")
    return choice


def needs_validation(choice: SolverChoice) -> bool:
    """Whether a solver, or one in a sequence, stops by validation data, as its attribute `needs_validation` says."""
    if isinstance(choice, Sequence) and not isinstance(choice, str):
        return any(needs_validation(member) for member in choice)
    return bool(getattr(choice, "needs_validation", False))
