"""Arguments and options that several commands share, each stated once, and what these commands do with them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

FamilyFile = Annotated[Path, typer.Argument(metavar="FAMILY", help="File that `pacpinn solve` wrote.")]
ProblemFile = Annotated[
    Path | None,
    typer.Option("--problem", metavar="FILE.py", help="The file that defines the problem, if it is your own."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")]


@contextmanager
def computing() -> Iterator[Console]:
    """Run the part of a command that computes: only its results shall be on standard output.

    What a problem's own file prints goes to standard error, and so do pacpinn's warnings. Gives the console that writes
    to standard error.
    """
    from rich.console import Console

    from pacpinn.cli.progress import warnings_on

    console = Console(stderr=True)
    with contextlib.redirect_stdout(sys.stderr), warnings_on(console):
        yield console
