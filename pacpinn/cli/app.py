"""The program ``pacpinn``: its commands, exit codes and error messages."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

# Modules that are slow to import are imported inside the commands, so that --help answers at once.
from pacpinn import __version__
from pacpinn.cli import formats, tables
from pacpinn.cli.infer import infer
from pacpinn.cli.options import AsJson, FamilyFile, ProblemFile, computing, option
from pacpinn.cli.predict import predict
from pacpinn.cli.rerun import rerun
from pacpinn.cli.signals import Stopped, stoppable
from pacpinn.cli.solve import print_written, solve, write_figures
from pacpinn.errors import PacpinnError

BAD_INPUT, SIGNAL = 2, 128  # shells add the number of the signal to the second

# click's class or typer's own copy of it, depending on typer's version
UsageError: type[Any] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    epilog="Start with: pacpinn solve burgers",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: done. 1: a target or a fit did not converge. 2: bad input. 130 or 143: ended by Ctrl-C or SIGTERM.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with stoppable():
            code = app(given or ["--help"], standalone_mode=False) or 0
    except Stopped as stop:
        code = SIGNAL + stop.number
    except typer.Abort:
        code = SIGNAL + signal.SIGINT
    except (PacpinnError, UsageError) as problem:
        message = problem.format_message() if isinstance(problem, UsageError) else problem
        print(f"error: {message}", file=sys.stderr)
        code = BAD_INPUT
    if code > SIGNAL:
        print("interrupted", file=sys.stderr)
    return code


def _show_version(requested: bool) -> None:
    if requested:
        print(f"pacpinn {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")]


@app.callback()
def options(version: Version = False) -> None:
    """Solve whole families of ODEs and PDEs by transfer: prune, allocate, calibrate."""


@app.command()
def problems() -> None:
    """List the installed problems with their coefficients."""
    from pacpinn.tasks.registry import get_problem, installed_problems

    Console().print(tables.problems_table(get_problem(name) for name in sorted(installed_problems())))


for command in (solve, predict, infer, rerun):
    app.command()(command)


@app.command()
def plot(
    family: FamilyFile,
    output: Annotated[Path | None, option("DIR", "Folder for the figures; by default that of the family file.")] = None,
    problem: ProblemFile = None,
) -> None:
    """Draw solutions, errors and losses as PNG files.

    Files of those names are overwritten.

    Example:

    pacpinn plot burgers/burgers.pac --output figures
    """
    from pacpinn.family.family import load

    with computing():
        written = write_figures(load(family, problem), output or family.parent)
    print_written(written)


@app.command()
def info(family: FamilyFile, as_json: AsJson = False, problem: ProblemFile = None) -> None:
    """Show what a family file holds: problem, weights, settings, versions, members.

    Example:

    pacpinn info burgers/burgers.pac
    """
    from pacpinn.family.family import load
    from pacpinn.family.file import codec
    from pacpinn.family.file.schema import plain

    with computing():
        solved = load(family, problem)
        header = codec.read_header(family)
    about = {
        "weights": {"kept": solved.counts.kept, "free": solved.counts.free},
        "finished": solved.finished,
        "settings": plain(header.run_spec.settings),
        "versions": plain(header.machine.versions),
        "bytes": family.stat().st_size,
    }
    if as_json:
        print(formats.as_json(formats.family_as_dict(solved) | about))
    else:
        console = Console()
        console.print(tables.facts_table(solved, about, console.width))
        console.print()
        console.print(tables.members_table(solved, console))
