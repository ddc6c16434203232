"""Arguments and options that several commands share, each stated once, and what these commands do with their output."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console


def option(metavar: str, explained: str, *names: str, **limits: Any) -> Any:
    """An option with a value: `metavar` stands for the value in the help."""
    return typer.Option(*names, metavar=metavar, help=explained, **limits)


Texts = list[str] | None  # the values of an option that may be given several times
FamilyFile = Annotated[Path, typer.Argument(metavar="FAMILY", help="File that `pacpinn solve` wrote.")]
ProblemFile = Annotated[
    Path | None, option("FILE.py", "The file that defines the problem, if it is your own.", "--problem")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")]


@contextmanager
def computing() -> Iterator[Console]:
    """Run the part of a command that computes: only its results shall be on standard output.

    What a problem's own file prints goes to standard error, and so do pacpinn's warnings. Gives the console that writes
    to standard error.
    """
    warnings, logger = _Warnings(logging.WARNING), logging.getLogger("pacpinn")
    logger.addHandler(warnings)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield warnings.console
    finally:
        logger.removeHandler(warnings)


class _Warnings(logging.Handler):
    """Shows warnings on standard error, above the progress bar if there is one."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.console = Console(stderr=True)

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.levelname.lower()}: {record.getMessage()}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)
