"""The face of a package: public names that are imported at first use."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

Face = tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]


def face(package: str) -> Face:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package whose public names stand in one table.

    The table is the package's ``if TYPE_CHECKING:`` block. Type checkers and editors read it as imports; here it says
    which module a name comes from.

    Args:
        package: the package's ``__name__``.

    Example:
        >>> __getattr__, __dir__, __all__ = lazy.face(__name__)
        >>> if TYPE_CHECKING:
        ...     from pacpinn.tasks.coefficient import Coefficient as Coefficient
    """
    homes = dict(_table(package))

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(homes[name]), name)

    return get, lambda: sorted(homes), list(homes)


def _table(package: str) -> Iterator[tuple[str, str]]:
    """Public names with the modules that they come from."""
    loader: Any = sys.modules[package].__spec__.loader  # type: ignore[union-attr]
    for block in ast.parse(loader.get_source(package)).body:
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING":
            for statement in block.body:
                assert isinstance(statement, ast.ImportFrom)
                yield from ((each.name, str(statement.module)) for each in statement.names)
