"""Find a problem: installed with pacpinn, registered by another package, or in a user's own file."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import pkgutil
import sys
import traceback
from pathlib import Path
from types import ModuleType

from pacpinn import backend  # noqa: F401  (problem modules import deepxde: let it come in contained)
from pacpinn.errors import ProblemFileError, UnknownProblem
from pacpinn.isolation import untouched
from pacpinn.problem import Problem

_ENTRY_POINTS = "pacpinn.problems"


def installed_problems() -> dict[str, str]:
    """Names of all installed problems and the modules that hold them: pacpinn's own and registered ones."""
    package = importlib.import_module("pacpinn.problems")
    own = {each.name: f"pacpinn.problems.{each.name}" for each in pkgutil.iter_modules(package.__path__)}
    others = {each.name: each.value for each in importlib.metadata.entry_points(group=_ENTRY_POINTS)}
    return {**others, **own}


def get_problem(name: str | Path) -> Problem:
    """The installed problem of that name, or the one in a user's own file.

    Args:
        name: such as ``"burgers"``, or the path of a Python file that defines one :class:`Problem`.

    Raises:
        UnknownProblem: if there is neither such a problem nor such a file.
        ProblemFileError: if the file does not import, or does not hold exactly one problem.
    """
    with untouched():
        if str(name).endswith(".py"):
            return _problem_in(_import_file(Path(name)))
        known = installed_problems()
        if name not in known:
            raise UnknownProblem(
                f"there is no problem {str(name)!r}; known are: {', '.join(sorted(known))}; "
                "or give the path of your own file, such as my_equation.py"
            )
        module = known[str(name)].partition(":")[0]
        try:
            return _problem_in(importlib.import_module(module))
        except ImportError as problem:
            raise ProblemFileError(
                f"the installed problem {name!r} does not import from {module}: {problem}"
            ) from problem


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UnknownProblem(f"there is no file {path}; expected the path of a Python file that defines a problem")
    # Named by content, so that two files, or two versions of one, never stand in for each other.
    name = f"pacpinn_user_problem_{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and inspect look a class's module up here
    try:
        spec.loader.exec_module(module)
    except BaseException as problem:
        del sys.modules[name]
        if isinstance(problem, KeyboardInterrupt):
            raise
        raise ProblemFileError(f"{path} does not import: {_where(problem, path)}") from problem
    return module


def _where(problem: BaseException, path: Path) -> str:
    """The line of the user's file at which an exception arose, with the exception."""
    if isinstance(problem, SyntaxError):
        return f"line {problem.lineno}: {(problem.text or '').strip()}  ({problem.msg})"
    frames = [each for each in traceback.extract_tb(problem.__traceback__) if Path(each.filename) == path.absolute()]
    line = f"line {frames[-1].lineno}: {frames[-1].line}  " if frames else ""
    return f"{line}({type(problem).__name__}: {problem})"


def _problem_in(module: ModuleType) -> Problem:
    classes = [
        each
        for each in vars(module).values()
        if inspect.isclass(each)
        and issubclass(each, Problem)
        and each.__module__ == module.__name__
        and not inspect.isabstract(each)
    ]
    if len(classes) != 1:
        found = ", ".join(each.__name__ for each in classes) or "none"
        raise ProblemFileError(
            f"{module.__file__} holds {len(classes)} problems ({found}); expected exactly one class that derives from "
            "pacpinn.Equation or pacpinn.Problem and defines all it must (for an equation: geometry and residual)"
        )
    try:
        problem: Problem = classes[0]()
    except Exception as fault:
        raise ProblemFileError(
            f"{module.__file__}: {classes[0].__name__}() fails ({type(fault).__name__}: {fault}); "
            "expected a class that needs no arguments: give them defaults"
        ) from fault
    return problem
