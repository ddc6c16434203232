"""The command ``pacpinn solve``."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pacpinn.cli.options import AsJson, computing
from pacpinn.errors import CoefficientError

if TYPE_CHECKING:
    from distributed import Client

    from pacpinn.family.family import Family
    from pacpinn.tasks.coefficient import Coefficients
    from pacpinn.tasks.parameter_space import Range
    from pacpinn.tasks.problem import Problem


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
            metavar="N", min=1, help="Solve targets in this many processes on this machine; needs pacpinn[dask]."
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
    as_json: AsJson = False,
) -> None:
    """Solve a problem at its source, then every target by transfer.

    Coefficients of the source that are not named have their defaults; without
    --targets the problem's own targets are solved. The family file, table.csv and
    figures are written to DIR. They replace those of an earlier run with the same
    settings; an unfinished run, or one with other settings, is not overwritten.

    Exit code 0: every target converged, and any value of a range can be answered.
    1: some target or value is missing. 2: bad input.

    Examples:

    pacpinn solve burgers
    pacpinn solve burgers --source nu=0.05 --targets nu=0.04,0.03,0.02
    pacpinn solve burgers --within nu=0.01:0.05 --tolerance 1e-4
    pacpinn solve oscillator --targets damping=0.5,1 --targets stiffness=4,9
    pacpinn solve my_equation.py --targets targets.csv --output results
    """
    from pacpinn.cli.formats import as_json as to_json, family_as_dict
    from pacpinn.cli.progress import watching
    from pacpinn.family.solve import solve_family
    from pacpinn.runtime.files import require_writable
    from pacpinn.sweep.clusters import connected

    began = time.perf_counter()
    settings: dict[str, Any] = {
        "method": method,
        "keep": keep,
        "seed": seed,
        "solver": solver,
        "tolerance": tolerance,
        "device": device,
        "batch": batch,
    }
    given = {name: value for name, value in settings.items() if value not in (None, [])}
    with computing() as console:
        wanted = _Wanted.read(problem, soft, source or [], targets or [], within or [])
        directory = output or Path(wanted.problem.name)
        require_writable(directory)
        path = directory / f"{wanted.problem.name}.pac"
        given |= wanted.arguments(members) | {"resume" if resume else "save": path}
        with (
            connected(scheduler, workers) as client,
            watching(console, wanted.varying, wanted.number_of_members) as progress,
        ):
            family = solve_family(wanted.problem, wanted.source, progress=progress, client=client, **given)
            _add_missing_estimates(family, wanted.problem, client, path)
        written = [path, *_write_results(family, directory)]
    if as_json:
        print(to_json(family_as_dict(family)))
    else:
        _show(family, written, time.perf_counter() - began)
    raise typer.Exit(0 if _is_solved(family) else 1)


@dataclass(frozen=True)
class _Wanted:
    """The problem to solve, its source, and its targets or a range in place of targets."""

    problem: Problem
    source: Coefficients
    targets: list[Coefficients]
    within: Range

    @classmethod
    def read(cls, name: str, soft: bool, source: list[str], targets: list[str], within: list[str]) -> _Wanted:
        """Convert and check the text of the command line; raises the errors of bad input."""
        from pacpinn.cli import arguments
        from pacpinn.equations.equation import require_equation
        from pacpinn.equations.soft_conditions import soft as with_soft_conditions
        from pacpinn.tasks.registry import get_problem

        problem = with_soft_conditions(get_problem(name)) if soft else get_problem(name)
        at_source = problem.at(arguments.single_values(source))
        ranges = arguments.read_ranges(within)
        if ranges and targets:
            raise CoefficientError(
                "--targets and --within exclude each other: give the targets, or a range to choose from"
            )
        if ranges:
            return cls(problem, at_source, [], require_equation(problem).checked_range(ranges))
        stated = arguments.read_targets(targets) if targets else problem.targets
        return cls(problem, at_source, [problem.at(target, at_source) for target in stated], {})

    def arguments(self, members: int) -> dict[str, Any]:
        """The targets or the range as arguments of :func:`~pacpinn.solve_family`."""
        return {"within": self.within, "members": members} if self.within else {"targets": self.targets}

    @property
    def varying(self) -> list[str]:
        """The coefficients in which the members differ."""
        moved = {name for target in self.targets for name in self.source if target[name] != self.source[name]}
        return [name for name in self.source if name in moved or name in self.within]

    @property
    def number_of_members(self) -> int | None:
        """Source and targets; None if not known before they are solved."""
        return len(self.targets) + 1 if self.targets else None


def _add_missing_estimates(family: Family, problem: Problem, client: Client | None, path: Path) -> None:
    """Estimate the error of every member of an equation, and save the family with the estimates."""
    from pacpinn.equations.equation import Equation

    if isinstance(problem, Equation) and any(member.error_estimate is None for member in family.values()):
        family.estimate_errors(client)
        family.save(path)


def _write_results(family: Family, directory: Path) -> list[Path]:
    """Write the table and the figures; their paths."""
    from pacpinn.cli.formats import as_csv
    from pacpinn.runtime.files import write_file

    rows = family.table()
    table = as_csv(list(rows[0]), [list(row.values()) for row in rows])
    return [write_file(directory / "table.csv", table.encode()), *write_figures(family, directory)]


def write_figures(family: Family, directory: Path) -> list[Path]:
    """Write the family's figures; their paths."""
    return [directory / f"{name}.png" for name in family.plot(directory)]


def _show(family: Family, written: Sequence[Path], seconds: float) -> None:
    from rich.console import Console

    from pacpinn.cli.tables import answers_over_range, members_table, shortfalls

    console = Console()
    console.print(members_table(family, console))
    for line in shortfalls(family):
        print(line)
    print_written(written)
    for line in answers_over_range(family):
        print(line)
    converged = sum(member.status == "converged" for member in family.targets)
    print(f"{converged} of {len(family.targets)} targets converged; {seconds:.1f} s in all")


def print_written(paths: Sequence[Path]) -> None:
    """Say which files were written; all of them are in one folder."""
    print(f"wrote {', '.join(path.name for path in paths)} in {paths[0].parent}{os.sep}")


def _is_solved(family: Family) -> bool:
    """Whether every target converged, and any coefficient of a range can be answered to the tolerance."""
    converged = all(member.status == "converged" for member in family.targets)
    return converged and (family.refinement is None or family.refinement.done)
