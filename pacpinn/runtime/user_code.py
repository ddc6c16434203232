"""Name the place in a user's file at which something is defined or fails, for messages."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pacpinn.errors import PacpinnError, ResidualError


def place_of(function: Any) -> str:
    """Where a function, method or class is defined, as ``" (mine.py, line 12)"``; an empty text if that is unknown."""
    try:
        path = inspect.getsourcefile(function)
        line = inspect.getsourcelines(function)[1]
    except (OSError, TypeError):
        return ""
    return f" ({Path(path or '').name}, line {line})"


def fault_in(path: Path, fault: BaseException) -> str:
    """The line of a user's file at which an exception was raised, followed by the exception."""
    if isinstance(fault, SyntaxError):
        return f"line {fault.lineno}: {(fault.text or '').strip()}  ({fault.msg})"
    frames = [each for each in traceback.extract_tb(fault.__traceback__) if Path(each.filename) == path.absolute()]
    line = f"line {frames[-1].lineno}: {frames[-1].line}  " if frames else ""
    return f"{line}({type(fault).__name__}: {fault})"


def _file_of(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsourcefile(inspect.unwrap(function)) or ""
    except TypeError:  # built-in, without a file
        return ""


@contextmanager
def naming_user_code(function: Callable[..., Any], what: str) -> Iterator[None]:
    """Run a block that calls a user's function; if the function fails, say in which line.

    Args:
        function: the user's function.
        what: its name in the message, as in ``"the residual of heat"``.

    Raises:
        ResidualError: in place of any exception but :class:`PacpinnError` and MemoryError, which pass unchanged.
    """
    try:
        yield
    except (PacpinnError, MemoryError):
        raise
    except Exception as fault:
        path = _file_of(function)
        raise ResidualError(f"{what}{place_of(function)} fails: {fault_in(Path(path), fault)}") from fault
