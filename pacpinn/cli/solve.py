"""The command ``pacpinn solve``."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from pacpinn.errors import CoefficientError

if TYPE_CHECKING:
    from pacpinn.family.family import Family


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
    within: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=LOW:HIGH",
            help="In place of --targets, a range such as nu=0.01:0.05: targets are chosen until any value in it "
            "can be answered to the tolerance; repeated for several coefficients.",
        ),
    ] = None,
    members: Annotated[int, typer.Option(metavar="N", min=2, help="Members that --within may take at most.")] = 40,
    method: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="pac; or a baseline: fine-tuning, last-layer, from-scratch, parametric."),
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
            metavar="RMS",
            help="Root mean square residual that counts as solved; by default the problem's own. "
            "With --within the relative error of answers.",
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(metavar="NAME", help="Where to compute, such as cpu or cuda.")] = None,
    batch: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Targets to solve at once; by default chosen by size and device."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Solve targets on a Dask cluster, such as tcp://head:8786; needs pacpinn[dask]."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Solve targets in so many processes on this machine; needs pacpinn[dask]."
        ),
    ] = None,
    soft: Annotated[
        bool, typer.Option("--soft", help="Conditions as residuals, in place of a transform that makes them exact.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the results; by default named after the problem.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run of the same settings that was interrupted in DIR.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Solve a problem at its source, then every target by transfer.

    Coefficients of the source that are not named have their defaults; without
    --targets the problem's own are solved. The family file, table.csv and figures
    go into DIR, over those of an earlier run with the same settings; a run with
    others, or one that is not finished, is not overwritten.

    Exit code 0: every target converged, and any value of a range can be answered.
    1: not so. 2: bad input.

    Examples:

    pacpinn solve burgers
    pacpinn solve burgers --source nu=0.05 --targets nu=0.04,0.03,0.02
    pacpinn solve burgers --within nu=0.01:0.05 --tolerance 1e-4
    pacpinn solve oscillator --targets damping=0.5,1 --targets stiffness=4,9
    pacpinn solve my_equation.py --targets targets.csv --output results
    """
    from rich.console import Console

    from pacpinn.cli import report

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
        wanted = _Wanted(source or [], targets or [], within or [], members, soft, resume, scheduler, workers)
        family, written = _solve_and_write(problem, wanted, output, given)
    if as_json:
        print(report.as_json(report.as_dict(family)))
    else:
        console = Console()
        console.print(report.members_table(family, console))
        for line in report.shortfalls(family):
            print(line)
        list_files(written)
        for line in report.refined(family):
            print(line)
        reached = [each.status == "converged" for each in family.targets]
        print(f"{sum(reached)} of {len(reached)} targets converged; {time.perf_counter() - began:.1f} s in all")
    solved = all(each.status == "converged" for each in family.targets)
    raise typer.Exit(0 if solved and (family.refinement is None or family.refinement.done) else 1)


class _Wanted(NamedTuple):
    """What is to be solved, as given on the command line."""

    source: list[str]
    targets: list[str]
    within: list[str]
    members: int
    soft: bool
    resume: bool
    scheduler: str | None
    workers: int | None


def _solve_and_write(
    problem: str, given: _Wanted, output: Path | None, settings: dict[str, Any]
) -> tuple[Family, list[Path]]:
    from rich.console import Console

    from pacpinn.cli import arguments, report
    from pacpinn.equations.equation import Equation, require_equation
    from pacpinn.equations.soft_conditions import soft
    from pacpinn.family.solve import solve_family
    from pacpinn.runtime import files
    from pacpinn.sweep import clusters
    from pacpinn.tasks.registry import get_problem

    chosen = soft(get_problem(problem)) if given.soft else get_problem(problem)
    at_source = chosen.at(arguments.single_values(given.source))
    ranges = arguments.read_ranges(given.within)
    if ranges and given.targets:
        raise CoefficientError("--targets and --within exclude each other: give the targets, or a range to choose from")
    within = require_equation(chosen).checked_range(ranges) if ranges else {}
    targets = arguments.read_targets(given.targets) if given.targets else [] if within else chosen.targets
    wanted = [chosen.at(each, at_source) for each in targets]
    directory = output or Path(chosen.name)
    files.require_writable(directory)
    varying = [name for name in at_source if name in within or any(each[name] != at_source[name] for each in wanted)]
    settings |= {"within": within, "members": given.members} if within else {"targets": wanted}
    settings["resume" if given.resume else "save"] = path = directory / f"{chosen.name}.pac"
    console = Console(stderr=True)
    with (
        clusters.connected(given.scheduler, given.workers) as client,
        report.warnings_on(console),
        report.watching(console, varying, len(wanted) + 1 if wanted else None) as progress,
    ):
        family = solve_family(chosen, at_source, progress=progress, client=client, **settings)
        if isinstance(chosen, Equation) and any(each.error_estimate is None for each in family.values()):
            family.estimate_errors(client)
            family.save(path)
    return family, [path, *_write(family, directory)]


def _write(family: Family, directory: Path) -> list[Path]:
    from pacpinn.cli import report
    from pacpinn.runtime import files

    rows = family.table()
    table = report.as_csv(list(rows[0]), [list(row.values()) for row in rows])
    written = files.write_file(directory / "table.csv", table.encode())
    return [written, *draw(family, directory)]


def draw(family: Family, directory: Path) -> list[Path]:
    """Write the family's figures; their paths."""
    return [directory / f"{name}.png" for name in family.plot(directory)]


def list_files(paths: Sequence[Path]) -> None:
    """Say what was written, all of it in one folder."""
    print(f"wrote {', '.join(path.name for path in paths)} in {paths[0].parent}{os.sep}")
