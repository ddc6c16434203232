"""What decides a family: its problem, source, settings and requests, to a header and back, and compared."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import torch

from pacpinn.continuation.settings import Settings
from pacpinn.equations.parametric import ParametricEquation, parametric
from pacpinn.equations.soft_conditions import SoftEquation, soft
from pacpinn.errors import FamilyFileError
from pacpinn.family.file.schema import ProblemHeader, RunSpec, SettingsHeader, plain
from pacpinn.solvers.base import Solver
from pacpinn.solvers.choice import SOLVERS, InTurn, SolverChoice
from pacpinn.sweep.requests import Request
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.registry import get_problem, installed_problems

log = logging.getLogger(__name__)


def run_spec(problem: Problem, source: Coefficients, settings: Settings, requests: Sequence[Request]) -> RunSpec:
    """All that decides a family, as a header holds it."""
    return RunSpec(_problem_header(problem), source, _settings_header(settings), requests)


def differences(stored: RunSpec, asked: RunSpec) -> list[str]:
    """In what a stored run differs from the one that is asked for, in words; empty if they give the same family.

    An interrupted run goes on: the requests that are stored must be the first of those that are asked for.
    """
    found = [
        "the problem's file: its content has changed" if name == "hash" else f"{name}: {old} there, {new} asked"
        for name, old, new in _unequal(stored.problem, asked.problem)
    ]
    if stored.source != asked.source:
        found.append(f"source: {stored.source} there, {asked.source} asked")
    for name, old, new in _unequal(stored.settings, asked.settings):
        there, here = ("the default" if value in (None, ()) else value for value in (old, new))
        found.append(f"{name}: {there} there, {here} asked")
    return found + _other_requests(stored.requests, asked.requests)


def _unequal(stored: Any, asked: Any) -> Iterator[tuple[str, Any, Any]]:
    new = plain(asked)
    return ((name, old, new[name]) for name, old in plain(stored).items() if old != new[name])


def _other_requests(stored: Sequence[Request], asked: Sequence[Request]) -> list[str]:
    for old, new in zip(stored, asked, strict=False):
        if (old.what, type(old)) != (new.what, type(new)):
            return [f"{old} there, {new} asked"]
    return [f"{each} there, not asked" for each in stored[len(asked) :]]


def source_hash(problem: Problem) -> str:
    """SHA-256 of the file that defines the problem; empty for a problem that was defined without a file."""
    file = getattr(sys.modules.get(type(problem).__module__), "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""


def problem_of(path: Path, header: ProblemHeader, given: Problem | str | Path | None) -> Problem:
    """The problem of the family in `path`, as `given` or the installed one of that name; else a FamilyFileError."""
    problem = given if isinstance(given, Problem) else _found_problem(path, header, given)
    if problem.name != header.name:
        raise FamilyFileError(f"{path} holds a family of {header.name}, not of {problem.name}")
    if header.soft and not isinstance(problem, SoftEquation):
        problem = soft(problem)
    if header.span and not isinstance(problem, ParametricEquation):
        problem = parametric(problem, header.span)
    return problem


def _found_problem(path: Path, header: ProblemHeader, given: str | Path | None) -> Problem:
    if given is not None:
        problem = get_problem(given)
        if not header.installed and source_hash(problem) != header.hash:
            raise FamilyFileError(
                f"{given} is not the file with which {path} was solved: its content has changed; give the file as it "
                "was, or load the family in Python with problem=YourProblem(), which is taken as it is"
            )
        return problem
    if header.installed and header.name in installed_problems():  # never by a path: its code would be run
        return get_problem(header.name)
    raise FamilyFileError(
        f"{path} holds a family of {header.name}, which is not installed; give the file that defines it: "
        "--problem my_equation.py on the command line, problem='my_equation.py' in Python"
    )


def _problem_header(problem: Problem) -> ProblemHeader:
    module = type(problem).__module__
    installed = module.startswith("pacpinn.problems.") or module in installed_problems().values()
    span = dict(problem.span) if isinstance(problem, ParametricEquation) else None
    return ProblemHeader(problem.name, installed, source_hash(problem), isinstance(problem, SoftEquation), span)


def settings_of(header: SettingsHeader, device: torch.device) -> Settings:
    """Inverse of what :func:`run_spec` makes of settings; a user's own criterion is its name."""
    dtype = None if header.dtype is None else getattr(torch, header.dtype)
    if not isinstance(dtype, torch.dtype | None):
        raise ValueError(f"there is no dtype {header.dtype}")
    own = {"solver": solver_from_header(header.solver), "dtype": dtype, "device": device}
    stored = {**msgspec.structs.asdict(header), **own}
    return Settings(**{name: value for name, value in stored.items() if value is not None})  # None is the default


def _settings_header(settings: Settings) -> SettingsHeader:
    criterion = settings.criterion
    if not isinstance(criterion, str):
        criterion = getattr(criterion, "__qualname__", type(criterion).__qualname__)
    values = {name: getattr(settings, name) for name in SettingsHeader.__struct_fields__} | {
        "criterion": criterion,
        "always_kept": tuple(settings.always_kept),
        "always_free": tuple(settings.always_free),
        "solver": solver_to_header(settings.solver),
        "dtype": None if settings.dtype is None else str(settings.dtype).removeprefix("torch."),
    }
    return SettingsHeader(**values)


def solver_to_header(choice: SolverChoice) -> Any:
    """A choice of solver as JSON can hold it; of a solver that is not in :data:`SOLVERS` its name alone."""
    if choice is None or isinstance(choice, str):
        return choice
    if isinstance(choice, Sequence | InTurn):
        return [solver_to_header(each) for each in (choice.solvers if isinstance(choice, InTurn) else choice)]
    for name, each in SOLVERS.items():
        if type(choice) is each:
            return {"name": name, **asdict(choice)}  # type: ignore[call-overload]
    return {"name": type(choice).__name__}


def solver_from_header(header: Any) -> SolverChoice:
    """Inverse of :func:`solver_to_header`; any other solver becomes the default, with a warning."""
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
