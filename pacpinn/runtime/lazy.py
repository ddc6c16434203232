"""Lazy faces: the public names of a package, each imported when it is first used."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from pacpinn.runtime.earlier_names import REMOVED

Face = tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]


def face(package: str) -> Face:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package whose public names stand in one table.

    The table is the package's ``if TYPE_CHECKING:`` block. Type checkers and editors read it as imports; this function
    reads in the package's source which module defines each name.

    Args:
        package: the package's ``__name__``.

    Raises:
        ImportError: if the package was installed without its source files.

    Example:
        >>> __getattr__, __dir__, __all__ = lazy.face(__name__)
        >>> if TYPE_CHECKING:
        ...     from pacpinn.tasks.coefficient import Coefficient as Coefficient
    """
    home = dict(_public_names(package))
    names = list(home)

    def get(name: str) -> Any:
        if name in home:
            return getattr(importlib.import_module(home[name]), name)
        advice = REMOVED.get(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}" + (f": it {advice}" if advice else ""))

    return get, lambda: sorted(names), names


def _public_names(package: str) -> Iterator[tuple[str, str]]:
    """Each public name of a package, with the module that defines it."""
    loader: Any = sys.modules[package].__spec__.loader  # type: ignore[union-attr]
    source = loader.get_source(package)
    if source is None:
        raise ImportError(f"{package} is installed without its .py files, which list its public names: add them")
    for block in ast.parse(source).body:
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING":
            for statement in block.body:
                assert isinstance(statement, ast.ImportFrom), f"only `from ... import` in the table of {package}"
                yield from ((each.name, str(statement.module)) for each in statement.names)
