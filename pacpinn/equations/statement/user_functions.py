"""Mistakes in the user's functions that show in their signatures and closures, before any of them is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from pacpinn.equations.equation import Equation
from pacpinn.errors import ResidualError
from pacpinn.runtime.deepxde_backend import dde
from pacpinn.runtime.user_code import place_of

_OF_POINTS = (dde.icbc.DirichletBC, dde.icbc.NeumannBC, dde.icbc.IC, dde.icbc.Interface2DBC)  # func takes points alone


def require_usable_functions(problem: Equation, conditions: Sequence[Any]) -> None:
    """Refuse functions that DeepXDE or the solvers would take for something else than the user meant.

    Raises:
        ResidualError: if the values of a condition are a function of more than the points, or a formula uses a
            ``dde.Variable``.
    """
    for i, condition in enumerate(conditions):
        name = f"condition {i + 1} ({type(condition).__name__})"
        if isinstance(condition, _OF_POINTS):
            _require_one_argument(problem, name, condition.func)
        if callable(getattr(condition, "func", None)):
            _require_no_variable(problem, name, condition.func)
    for part in ("residual", "transform", "features"):
        _require_no_variable(problem, part, problem.stated(part))


def _require_one_argument(problem: Equation, name: str, function: Callable[..., Any] | None) -> None:
    """Refuse a second argument, which DeepXDE takes for auxiliary variables; the function of three is None already."""
    if function is None:
        given = "of three arguments or more"
    else:
        parameters = [each for each in inspect.signature(function).parameters.values() if each.name != "self"]
        if len(parameters) == 1:
            return
        given = f"of ({', '.join(map(str, parameters))})"
    raise ResidualError(
        f"the {name} of {problem.name} has a function {given}; expected one of the points alone: DeepXDE takes the "
        "second argument for auxiliary variables. Use a closure, such as `def value(t): return v` inside a function "
        "that has v, in place of a default argument or functools.partial"
        f"{place_of(inspect.unwrap(function) if function else problem.stated('conditions'))}"
    )


def _require_no_variable(problem: Equation, name: str, function: Callable[..., Any]) -> None:
    for key, value in _variables(function, set()):
        number = value.detach().cpu().tolist()
        raise ResidualError(
            f"the {name} of {problem.name} uses {key}, a dde.Variable, which would stay at {number}: only the weights "
            f"of the network are trained. Expected a coefficient of the family: state it as {key} = "
            f"pp.Coefficient({number}, low=..., high=...), use c.{key}, and find it by family.infer from measurements"
            f"{place_of(inspect.unwrap(function))}"
        )


def _variables(function: Any, seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    """Variables that a function uses, with their names: its own, and of functions in the same file that it calls."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None or id(code) in seen:
        return
    seen.add(id(code))
    for name, value in [*_closure(function), *_attributes(function, code.co_names)]:
        yield from ((name, each) for each in _members(value) if _is_variable(each))
        if getattr(getattr(value, "__code__", None), "co_filename", None) == code.co_filename:
            yield from _variables(value, seen)


def _closure(function: Any) -> list[tuple[str, Any]]:
    try:
        found = inspect.getclosurevars(function)
    except (TypeError, ValueError):  # no Python function, or a name that has no value yet
        return []
    return [*found.nonlocals.items(), *found.globals.items()]


def _attributes(method: Any, names: Sequence[str]) -> list[tuple[str, Any]]:
    """The attributes with these names of the object that a method belongs to, without calling properties."""
    owner = getattr(method, "__self__", None)
    found = [(name, inspect.getattr_static(owner, name, None)) for name in names] if owner is not None else []
    return [(name, value) for name, value in found if not isinstance(value, staticmethod | classmethod)]


def _members(value: Any) -> list[Any]:
    """The value itself, or the values in a list, tuple or dictionary."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else [value]


def _is_variable(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad and value.is_leaf
