"""Finding a problem: installed with pacpinn, registered by another package, or in a user's own file."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import inspect
import pkgutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from pacpinn.errors import ProblemFileError, UnknownProblem
from pacpinn.runtime import deepxde_backend  # noqa: F401  (problem modules import deepxde: its side effects are contained there)
from pacpinn.runtime.isolation import untouched
from pacpinn.runtime.user_code import fault_in
from pacpinn.tasks.problem import Problem


def installed_problems() -> dict[str, str]:
    """Names of all installed problems with their modules: pacpinn's own and those of other packages."""
    package = importlib.import_module("pacpinn.problems")
    own = {each.name: f"pacpinn.problems.{each.name}" for each in pkgutil.iter_modules(package.__path__)}
    others = {each.name: each.value for each in importlib.metadata.entry_points(group="pacpinn.problems")}
    return {**others, **own}


def get_problem(name: str | Path) -> Problem:
    """The installed problem of that name, or the one in a user's own file.

    Args:
        name: such as ``"burgers"``, or the path of a Python file that defines a :class:`Problem`: ``"mine.py"``, or
            ``"mine.py:Decay"`` of a file with several.

    Raises:
        UnknownProblem: if there is neither such a problem nor such a file.
        ProblemFileError: if the file does not import, or holds no problem, or several of which none is named.
    """
    with untouched():
        file, _, chosen = str(name).partition(".py:")
        if chosen or file.endswith(".py"):
            return _problem_in(_import_file(Path(file).with_suffix(".py")), chosen)
        known = installed_problems()
        if name not in known:
            raise UnknownProblem(
                f"there is no problem {str(name)!r}; known are: {', '.join(sorted(known))}; "
                "or give the path of your own file, such as my_equation.py"
            )
        module = known[str(name)].partition(":")[0]
        try:
            return _problem_in(importlib.import_module(module))
        except ImportError as fault:
            raise ProblemFileError(f"the installed problem {name!r} does not import from {module}: {fault}") from fault


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UnknownProblem(f"there is no file {path}; expected the path of a Python file that defines a problem")
    # Named by its content, so that two files, or two versions of one file, are two modules.
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
        raise ProblemFileError(f"{path} does not import: {fault_in(path, problem)}") from problem
    return module


def _problem_in(module: ModuleType, name: str = "") -> Problem:
    found = _problems_of(module)
    if not name and len(found) == 1:
        (name,) = found
    if name not in found:
        if name:
            expected = f"expected {name} among them"
        elif found:
            expected = f"say which is meant, as in {Path(str(module.__file__)).name}:{next(iter(found))}"
        else:
            expected = (
                "expected a class that derives from pacpinn.Equation or pacpinn.Problem and defines its abstract "
                "methods (for an equation: geometry and residual), or an object, as from pacpinn.from_deepxde"
            )
        listed = ", ".join(found) or "none"
        raise ProblemFileError(f"{module.__file__} holds {len(found)} problems ({listed}); {expected}")
    chosen = found[name]
    if isinstance(chosen, Problem):
        return chosen
    try:
        return chosen()
    except Exception as fault:
        raise ProblemFileError(
            f"{module.__file__}: {name}() fails ({type(fault).__name__}: {fault}); "
            "expected a class that needs no arguments: give them defaults"
        ) from fault


def _problems_of(module: ModuleType) -> dict[str, Problem | type[Problem]]:
    """Classes that the module defines, then objects of other classes, such as those of ``from_deepxde``."""
    named = {name: each for name, each in vars(module).items() if not name.startswith("_")}
    classes = {name: each for name, each in named.items() if _defines(module, each)}
    others = {name: each for name, each in named.items() if type(each) not in classes.values()}
    return classes | {name: each for name, each in others.items() if _defines(module, type(each))}


def _defines(module: ModuleType, kind: Any) -> bool:
    own = inspect.isclass(kind) and kind.__module__ == module.__name__
    return own and issubclass(kind, Problem) and not inspect.isabstract(kind)
