"""Solvers: each minimises an objective over the free weights alone. To add one, add it to :data:`SOLVERS`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pacpinn.errors import UnknownSolver
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Report, Result, Solver, Status, silent
from pacpinn.solvers.lbfgs import LBFGS
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.solvers.nncg import NNCG
from pacpinn.solvers.sequence import InTurn
from pacpinn.task import Task

log = logging.getLogger(__name__)

__all__ = [
    "LBFGS",
    "NNCG",
    "SOLVERS",
    "Adam",
    "InTurn",
    "LevenbergMarquardt",
    "Report",
    "Result",
    "Solver",
    "Status",
    "get_solver",
    "needs_validation",
    "silent",
    "solver_from_header",
    "solver_to_header",
]

SOLVERS: dict[str, Any] = {"levenberg-marquardt": LevenbergMarquardt, "adam": Adam, "lbfgs": LBFGS, "nncg": NNCG}

SolverChoice = str | Solver | Sequence["str | Solver"] | None


def get_solver(choice: SolverChoice, task: Task) -> Solver:
    """The solver of that name, a sequence of them, or a configured solver as it is.

    Args:
        choice: a name of :data:`SOLVERS`, a solver, a sequence of either, or None for the default: an equation, which
            can be solved to a tolerance, gets Levenberg-Marquardt; data, which can only be fitted, gets Adam.
        task: what is to be solved.

    Raises:
        UnknownSolver: naming the known ones.
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
        return InTurn([get_solver(each, task) for each in choice])
    if not callable(choice):
        raise UnknownSolver(f"{choice!r} is no solver; expected one of {', '.join(SOLVERS)}, or a configured solver")
    return choice


def needs_validation(choice: SolverChoice) -> bool:
    """Whether a choice of solver, or one of a sequence, stops by validation data; one of your own says so itself."""
    if isinstance(choice, Sequence) and not isinstance(choice, str):
        return any(needs_validation(each) for each in choice)
    return bool(getattr(choice, "needs_validation", False))


def solver_to_header(choice: SolverChoice) -> Any:
    """A choice of solver as JSON can hold it; of a solver that is not in :data:`SOLVERS` its name alone."""
    if choice is None or isinstance(choice, str):
        return choice
    if isinstance(choice, InTurn):
        return [solver_to_header(each) for each in choice.solvers]
    if isinstance(choice, Sequence):
        return [solver_to_header(each) for each in choice]
    for name, each in SOLVERS.items():
        if type(choice) is each:
            return {"name": name, **asdict(choice)}  # type: ignore[call-overload]
    return {"name": type(choice).__name__}


def solver_from_header(header: Any) -> SolverChoice:
    """Inverse of :func:`solver_to_header`; one that is not in :data:`SOLVERS` becomes the default, with a warning."""
    if isinstance(header, list):
        return [solver_from_header(each) for each in header]  # type: ignore[misc]
    if isinstance(header, dict):
        options = dict(header)
        name = options.pop("name")
        if name not in SOLVERS:
            log.warning("solved with a solver of its own, %s: extending it will use the default one", name)
            return None
        solver: Solver = SOLVERS[name](**options)
        return solver
    return header
