"""What a family came from: its problem, its source, its settings and its requests, to a header and back."""

from __future__ import annotations

import hashlib
import inspect
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pacpinn.continuation.settings import Settings
from pacpinn.equations.parametric import ParametricEquation, parametric
from pacpinn.equations.soft_conditions import SoftEquation, soft
from pacpinn.errors import FamilyFileError
from pacpinn.family.file.schema import ProblemHeader, RunSpec, SettingsHeader
from pacpinn.solvers.base import Solver
from pacpinn.solvers.choice import SOLVERS, SolverChoice
from pacpinn.solvers.in_turn import InTurn
from pacpinn.sweep.requests import Request
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.registry import get_problem, installed_problems


def run_spec(problem: Problem, source: Coefficients, settings: Settings, requests: Sequence[Request]) -> RunSpec:
    """What decides a family, as a header holds it."""
    return RunSpec(_problem_header(problem), source, _settings_header(settings), requests)


def source_hash(problem: Problem) -> str:
    """SHA-256 of the file that defines the problem; empty for one defined without a file."""
    module = sys.modules.get(type(problem).__module__)
    if module is None or not getattr(module, "__file__", None):
        return ""
    return hashlib.sha256(Path(inspect.getfile(module)).read_bytes()).hexdigest()


def problem_of(path: Path, header: ProblemHeader, given: Problem | str | Path | None) -> Problem:
    """The problem of the family in `path`: as `given`, or the installed one of that name.

    Raises:
        FamilyFileError: if there is none, or it is another one.
    """
    if isinstance(given, Problem):
        problem = given
    elif given is not None:
        problem = get_problem(given)
        if not header.installed and source_hash(problem) != header.hash:
            raise FamilyFileError(
                f"{given} is not the file with which {path} was solved: its content has changed; give the file as it "
                "was, or load the family in Python with problem=YourProblem(), which is taken as it is"
            )
    elif header.installed and header.name in installed_problems():  # a name alone: a path would be run
        problem = get_problem(header.name)
    else:
        raise FamilyFileError(
            f"{path} holds a family of {header.name}, which is not installed; give the file that defines it: "
            "--problem my_equation.py on the command line, problem='my_equation.py' in Python"
        )
    if problem.name != header.name:
        raise FamilyFileError(f"{path} holds a family of {header.name}, not of {problem.name}")
    if header.soft and not isinstance(problem, SoftEquation):
        problem = soft(problem)
    if header.span and not isinstance(problem, ParametricEquation):
        problem = parametric(problem, {name: (low, high) for name, (low, high) in header.span.items()})
    return problem


def settings_of(header: SettingsHeader, device: torch.device) -> Settings:
    """Inverse of what :func:`run_spec` makes of them; a criterion of a user's own is its name.

    Raises:
        PacpinnError, TypeError, ValueError: if they are none.
    """
    dtype = None if header.dtype is None else getattr(torch, header.dtype)
    if not isinstance(dtype, torch.dtype | None):
        raise ValueError(f"there is no dtype {header.dtype}")
    own = {"solver": solver_from_header(header.solver), "dtype": dtype, "device": device}
    return Settings(**{**vars(header), **own})


def _problem_header(problem: Problem) -> ProblemHeader:
    module = type(problem).__module__
    installed = module.startswith("pacpinn.problems.") or module in installed_problems().values()
    span = dict(problem.span) if isinstance(problem, ParametricEquation) else None
    return ProblemHeader(problem.name, installed, source_hash(problem), isinstance(problem, SoftEquation), span)


def _settings_header(settings: Settings) -> SettingsHeader:
    criterion = settings.criterion
    if not isinstance(criterion, str):
        criterion = getattr(criterion, "__qualname__", type(criterion).__qualname__)
    return SettingsHeader(
        method=settings.method,
        keep=settings.keep,
        criterion=criterion,
        always_kept=tuple(settings.always_kept),
        always_free=tuple(settings.always_free),
        solver=solver_to_header(settings.solver),
        penalty=settings.penalty,
        tolerance=settings.tolerance,
        halvings=settings.halvings,
        bases=settings.bases,
        batch=settings.batch,
        seed=settings.seed,
        dtype=None if settings.dtype is None else str(settings.dtype).removeprefix("torch."),
        tree=settings.tree,
    )


log = logging.getLogger(__name__)


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
