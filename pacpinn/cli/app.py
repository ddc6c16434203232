"""The command line: ``pacpinn problems | solve | predict | infer | rerun | plot | info``."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

# Everything that takes long to import waits inside the commands, so that --help answers at once.
from pacpinn import __version__
from pacpinn.cli.infer import infer
from pacpinn.cli.rerun import rerun
from pacpinn.cli.signals import Stopped, stoppable
from pacpinn.cli.solve import draw, list_files, solve
from pacpinn.errors import PacpinnError

if TYPE_CHECKING:
    import numpy as np

    from pacpinn.family.family import Family
    from pacpinn.tasks.coefficient import Coefficients

BAD_INPUT, SIGNAL = 2, 128  # and the number of the signal, as shells have it

# click's class or typer's own copy of it, depending on typer's version
UsageError: type[Any] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    epilog="Start with: pacpinn solve burgers",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FamilyFile = Annotated[Path, typer.Argument(metavar="FAMILY", help="File that `pacpinn solve` wrote.")]
ProblemFile = Annotated[
    Path | None,
    typer.Option("--problem", metavar="FILE.py", help="The file that defines the problem, if it is your own."),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 a target or a fit not converged, 2 bad input.

    130 or 143 after Ctrl-C or SIGTERM.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with stoppable():
            code = app(given or ["--help"], standalone_mode=False) or 0
    except Stopped as stop:
        code = SIGNAL + stop.number
    except typer.Abort:
        code = SIGNAL + signal.SIGINT
    except PacpinnError as problem:
        code = _refuse(str(problem))
    except UsageError as problem:
        code = _refuse(problem.format_message())
    if code > SIGNAL:
        print("interrupted", file=sys.stderr)
    return code


def _refuse(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return BAD_INPUT


def _show_version(asked: bool) -> None:
    if asked:
        print(f"pacpinn {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Solve whole families of ODEs and PDEs by transfer: prune, allocate, calibrate."""


@app.command()
def problems() -> None:
    """List the installed problems with their coefficients."""
    from rich.console import Console

    from pacpinn.cli import report
    from pacpinn.tasks.registry import get_problem, installed_problems

    found = [get_problem(name) for name in sorted(installed_problems())]
    Console().print(report.problems_table(found))


app.command()(solve)


@app.command()
def predict(
    family: FamilyFile,
    at: Annotated[
        list[str], typer.Option(metavar="NAME=VALUE", help="Coefficients: of a member, or between the members.")
    ],
    points: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Points, with a first line that names the inputs.")
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Where to write instead of printing.")] = None,
    anyway: Annotated[
        bool,
        typer.Option("--anyway", help="Answer even where the estimated error exceeds the tolerance, with a warning."),
    ] = False,
    problem: ProblemFile = None,
) -> None:
    """Evaluate a family at any coefficients within its members' range, as CSV.

    At points of your own, or else on a regular grid over the domain. The columns
    are the problem's inputs and outputs.

    Examples:

    pacpinn predict burgers/burgers.pac --at nu=0.01
    pacpinn predict burgers/burgers.pac --at nu=0.01 --points points.csv --output u.csv
    """
    import numpy as np
    from rich.console import Console

    from pacpinn.cli import arguments, report
    from pacpinn.runtime import files

    with contextlib.redirect_stdout(sys.stderr):
        solved = _load(family, problem)
        c = solved.problem.at(arguments.single_values(at), solved.source.coefficients)
        x = _points(solved, c, points)
        with report.warnings_on(Console(stderr=True)):
            y = solved.predict(x, doubtful="warn" if anyway else "raise", **c)
    table = report.as_csv([*solved.problem.inputs, *solved.problem.outputs], np.hstack([x, y]).tolist())
    if output is None:
        sys.stdout.write(table)
    else:
        print(f"wrote {files.write_file(output, table.encode())}")


app.command()(infer)
app.command()(rerun)


@app.command()
def plot(
    family: FamilyFile,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the figures; by default that of the family file.")
    ] = None,
    problem: ProblemFile = None,
) -> None:
    """Draw solutions, errors and losses as PNG files.

    Files of those names are overwritten.

    Example:

    pacpinn plot burgers/burgers.pac --output figures
    """
    with contextlib.redirect_stdout(sys.stderr):
        written = draw(_load(family, problem), output or family.parent)
    list_files(written)


@app.command()
def info(
    family: FamilyFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
    problem: ProblemFile = None,
) -> None:
    """Show what a family file holds: problem, weights, settings, versions, members.

    Example:

    pacpinn info burgers/burgers.pac
    """
    from rich.console import Console

    from pacpinn.cli import report
    from pacpinn.family.file import codec
    from pacpinn.family.file.schema import plain

    with contextlib.redirect_stdout(sys.stderr):
        solved = _load(family, problem)
        header = codec.read_header(family)
    about = {
        "weights": {"kept": solved.counts.kept, "free": solved.counts.free},
        "finished": solved.finished,
        "settings": plain(header.run_spec.settings),
        "versions": plain(header.machine.versions),
        "bytes": family.stat().st_size,
    }
    if as_json:
        print(report.as_json(report.as_dict(solved) | about))
    else:
        console = Console()
        console.print(report.facts_table(solved, about))
        console.print()
        console.print(report.members_table(solved, console))


def _load(family: Path, problem: Path | None) -> Family:
    from pacpinn.family.family import load

    return load(family, problem)


def _points(family: Family, c: Coefficients, path: Path | None) -> np.ndarray:
    """The points of a file, or a grid over the domain."""
    import numpy as np

    from pacpinn.cli import arguments
    from pacpinn.equations.equation_task import EquationTask

    name, inputs, task = family.problem.name, family.problem.inputs, family.problem.task(**c)
    if not inputs:
        raise PacpinnError(f"the inputs of {name} are no columns of a table; predict in Python with family.predict(x)")
    if path is not None:
        return np.array(arguments.read_points(path, inputs))
    if isinstance(task, EquationTask):
        return task.grid()
    raise PacpinnError(
        f"{name} has no domain to lay a grid over; give --points FILE.csv with columns {', '.join(inputs)}"
    )
