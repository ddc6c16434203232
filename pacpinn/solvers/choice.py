"""The solvers by name, and the default solver of a task. To add a solver, add it to :data:`SOLVERS`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pacpinn.errors import UnknownSolver
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Solver
from pacpinn.solvers.in_turn import InTurn
from pacpinn.solvers.lbfgs import LBFGS
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.solvers.nncg import NNCG
from pacpinn.tasks.task import Task

SOLVERS: dict[str, Any] = {"levenberg-marquardt": LevenbergMarquardt, "adam": Adam, "lbfgs": LBFGS, "nncg": NNCG}

SolverChoice = str | Solver | Sequence["str | Solver"] | None


def get_solver(choice: SolverChoice, task: Task) -> Solver:
    """The solver for a choice: a configured solver as it is, a name, or a sequence of either.

    Args:
        choice: a name of :data:`SOLVERS`, a solver, a sequence of either, or None for the default: an equation, which
            can be solved to a tolerance, gets Levenberg-Marquardt; data, which can only be fitted, gets Adam.
        task: what is to be solved.

    Raises:
        UnknownSolver: if the choice is none of these; it names the known solvers.
    """
    if choice is None:
        return LevenbergMarquardt() if task.tolerance is not None else Adam()
    if isinstance(choice, str):
        if choice not in SOLVERS:
            raise UnknownSolver(f"there is no solver {choice!r}; known are: {', '.join(SOLVERS)}")
        solver: Solver = SOLVERS[choice]()
        return solver
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
