"""The command line: ``pacpinn problems | solve | predict | plot | info``."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

# Everything that takes long to import waits inside the commands, so that --help answers at once.
from pacpinn import __version__
from pacpinn.errors import PacpinnError

if TYPE_CHECKING:
    import numpy as np

    from pacpinn.coefficient import Coefficients
    from pacpinn.family import Family

BAD_INPUT, INTERRUPTED = 2, 130

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
    """Run the command line and return its exit code: 0 done, 1 a target missed its tolerance, 2 bad input."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(given or ["--help"], standalone_mode=False) or 0
    except typer.Abort:
        code = INTERRUPTED
    except PacpinnError as problem:
        code = _refuse(str(problem))
    except UsageError as problem:
        code = _refuse(problem.format_message())
    if code == INTERRUPTED:
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

    from pacpinn import report
    from pacpinn.registry import get_problem, installed_problems

    found = [get_problem(name) for name in sorted(installed_problems())]
    Console().print(report.problems_table(found))


@app.command()
def solve(
    problem: Annotated[str, typer.Argument(metavar="PROBLEM", help="A name, or the path of your own .py file.")],
    source: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A coefficient of the source, such as nu=0.05.")
    ] = None,
    targets: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="Values to solve, such as nu=0.04,0.03; repeated for the grid of several coefficients. "
            "Or a .csv file: one target a row, under a first line of names.",
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="pac; or a rival: fine-tuning, last-layer, from-scratch, parametric."),
    ] = None,
    keep: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Kept fraction of the weights, between 0 and 1; 0.7 by default."),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, max=2**32 - 1, help="Seed of the network and of mini-batches.")
    ] = 0,
    solver: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="levenberg-marquardt, adam, lbfgs or nncg; several run in turn."),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="RMS", help="Root mean square residual that counts as solved; by default the problem's own."
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(metavar="NAME", help="Where to compute, such as cpu or cuda.")] = None,
    batch: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Targets to solve at once; by default chosen by size and device."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the results; by default named after the problem.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Solve a problem at its source, then every target by transfer.

    Coefficients of the source that are not named have their defaults; without
    --targets the problem's own are solved. The family file, table.csv and figures
    go into DIR, over files of the same names.

    Exit code 0: every target converged. 1: some did not. 2: bad input.

    Examples:

    pacpinn solve burgers
    pacpinn solve burgers --source nu=0.05 --targets nu=0.04,0.03,0.02
    pacpinn solve oscillator --targets damping=0.5,1 --targets stiffness=4,9
    pacpinn solve my_equation.py --targets targets.csv --output results
    """
    from rich.console import Console

    from pacpinn import report

    settings = {
        "method": method,
        "keep": keep,
        "seed": seed,
        "solver": solver,
        "tolerance": tolerance,
        "device": device,
        "batch": batch,
    }
    given = {name: value for name, value in settings.items() if value not in (None, [])}
    began = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):  # what a problem's own file prints must not mix with the results
        family, written = _solve_and_write(problem, source or [], targets or [], output, given)
    if as_json:
        print(report.as_json(report.as_dict(family)))
    else:
        console = Console()
        console.print(report.members_table(family, console))
        for line in report.shortfalls(family):
            print(line)
        _list_files(written)
        reached = [each.status == "converged" for each in family.targets]
        print(f"{sum(reached)} of {len(reached)} targets converged; {time.perf_counter() - began:.1f} s in all")
    raise typer.Exit(0 if all(each.status == "converged" for each in family.targets) else 1)


def _solve_and_write(
    problem: str, source: list[str], targets: list[str], output: Path | None, settings: dict[str, Any]
) -> tuple[Family, list[Path]]:
    from rich.console import Console

    from pacpinn import arguments, files, report
    from pacpinn.family import solve_family
    from pacpinn.registry import get_problem

    chosen = get_problem(problem)
    at_source = chosen.at(arguments.single_values(source))
    wanted = [chosen.at(each, at_source) for each in (arguments.read_targets(targets) if targets else chosen.targets)]
    directory = output or Path(chosen.name)
    files.require_writable(directory)
    varying = [name for name in at_source if any(each[name] != at_source[name] for each in wanted)]
    console = Console(stderr=True)
    with report.warnings_on(console), report.watching(console, varying, 1 + len(wanted)) as progress:
        family = solve_family(chosen, at_source, wanted, progress=progress, **settings)
    return family, _write(family, directory)


def _write(family: Family, directory: Path) -> list[Path]:
    from pacpinn import files, report

    rows = family.table()
    table = report.as_csv(list(rows[0]), [list(row.values()) for row in rows])
    written = files.write(directory / "table.csv", table.encode())
    return [family.save(directory / f"{family.problem.name}.pac"), written, *_draw(family, directory)]


def _draw(family: Family, directory: Path) -> list[Path]:
    return [directory / f"{name}.png" for name in family.plot(directory)]


@app.command()
def predict(
    family: FamilyFile,
    at: Annotated[list[str], typer.Option(metavar="NAME=VALUE", help="Coefficients of a solved member.")],
    points: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Points, with a first line that names the inputs.")
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Where to write instead of printing.")] = None,
    problem: ProblemFile = None,
) -> None:
    """Evaluate a solved member, as CSV.

    At points of your own, or else on a regular grid over the domain. The columns
    are the problem's inputs and outputs.

    Examples:

    pacpinn predict burgers/burgers.pac --at nu=0.01
    pacpinn predict burgers/burgers.pac --at nu=0.01 --points points.csv --output u.csv
    """
    import numpy as np

    from pacpinn import arguments, files, report

    with contextlib.redirect_stdout(sys.stderr):
        solved = _load(family, problem)
        c = solved[arguments.single_values(at)].coefficients
        x = _points(solved, c, points)
        y = solved.predict(x, **c)
    table = report.as_csv([*solved.problem.inputs, *solved.problem.outputs], np.hstack([x, y]).tolist())
    if output is None:
        sys.stdout.write(table)
    else:
        print(f"wrote {files.write(output, table.encode())}")


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
        written = _draw(_load(family, problem), output or family.parent)
    _list_files(written)


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
    import torch
    from rich.console import Console

    from pacpinn import report, storage

    with contextlib.redirect_stdout(sys.stderr):
        solved = _load(family, problem)
        header, _ = storage.read(family, torch.device("cpu"))
    about = {
        "weights": {"kept": solved.counts.kept, "free": solved.counts.free},
        "settings": header["settings"],
        "versions": header["versions"],
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
    from pacpinn.family import load

    return load(family, problem)


def _points(family: Family, c: Coefficients, path: Path | None) -> np.ndarray:
    """The points of a file, or a grid over the domain."""
    import numpy as np

    from pacpinn import arguments
    from pacpinn.equation_task import EquationTask

    name, inputs, task = family.problem.name, family.problem.inputs, family.task(**c)
    if not inputs:
        raise PacpinnError(f"the inputs of {name} are no columns of a table; predict in Python with family.predict(x)")
    if path is not None:
        return np.array(arguments.read_points(path, inputs))
    if isinstance(task, EquationTask):
        return task.grid()
    raise PacpinnError(
        f"{name} has no domain to lay a grid over; give --points FILE.csv with columns {', '.join(inputs)}"
    )


def _list_files(paths: Sequence[Path]) -> None:
    print(f"wrote {', '.join(path.name for path in paths)} in {paths[0].parent}{os.sep}")
