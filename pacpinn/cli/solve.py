"""The command ``pacpinn solve``."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from pacpinn.cli import arguments, formats, tables
from pacpinn.cli.options import AsJson, Texts, computing, option
from pacpinn.cli.progress import watching
from pacpinn.errors import CoefficientError
from pacpinn.runtime.files import require_writable, write_file
from pacpinn.sweep.clusters import connected

if TYPE_CHECKING:
    from pacpinn.family.family import Family
    from pacpinn.tasks.coefficient import Coefficients
    from pacpinn.tasks.parameter_space import Range
    from pacpinn.tasks.problem import Problem


def solve(
    problem: Annotated[str, typer.Argument(metavar="PROBLEM", help="A name, or the path of your own .py file.")],
    source: Annotated[Texts, option("NAME=VALUE", "A coefficient of the source, such as nu=0.05.")] = None,
    targets: Annotated[
        Texts,
        option("NAME=VALUES", "Values such as nu=0.04,0.03 (repeat it for a grid), or a .csv file with named columns."),
    ] = None,
    within: Annotated[
        Texts,
        option(
            "NAME=LOW:HIGH",
            "In place of --targets, a range such as nu=0.01:0.05: targets are chosen until any value in it "
            "can be answered to the tolerance; repeated for several coefficients.",
        ),
    ] = None,
    members: Annotated[int, option("N", "Members that --within may take at most.", min=2)] = 40,
    method: Annotated[
        str | None, option("NAME", "pac; or a baseline: fine-tuning, last-layer, from-scratch, parametric.")
    ] = None,
    keep: Annotated[float | None, option("SHARE", "Fraction of the weights to keep; 0.7 by default.")] = None,
    seed: Annotated[int, option("N", "Seed of the network and of mini-batches.", min=0, max=2**32 - 1)] = 0,
    solver: Annotated[Texts, option("NAME", "levenberg-marquardt, adam, lbfgs or nncg; several run in turn.")] = None,
    tolerance: Annotated[
        float | None,
        option(
            "ERROR",
            "How accurate: the largest estimated error, relative to the variation of each output; "
            "by default the problem's own.",
        ),
    ] = None,
    effort: Annotated[
        str | None,
        option("EFFORT", "Steps, as 2000, or seconds, as 90s, after which a solve that fails is not tried otherwise."),
    ] = None,
    device: Annotated[str | None, option("NAME", "Where to compute, such as cpu or cuda.")] = None,
    batch: Annotated[int | None, option("N", "Targets at once; by default chosen by size and device.", min=1)] = None,
    scheduler: Annotated[
        str | None, option("ADDRESS", "Solve on a Dask cluster, such as tcp://head:8786; needs pacpinn\\[dask].")
    ] = None,
    workers: Annotated[int | None, option("N", "Processes that solve targets; needs pacpinn\\[dask].", min=1)] = None,
    soft: Annotated[bool, typer.Option("--soft", help="Take conditions as residuals instead of a transform.")] = False,
    output: Annotated[Path | None, option("DIR", "Folder for the results; by default named after the problem.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that was interrupted in DIR.")] = False,
    as_json: AsJson = False,
) -> int:
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
    from pacpinn.family.solve import solve_family

    began = time.perf_counter()
    settings: dict[str, Any] = {
        "method": method,
        "keep": keep,
        "seed": seed,
        "solver": solver,
        "tolerance": tolerance,
        "effort": effort,
        "device": device,
        "batch": batch,
    }
    given = {name: value for name, value in settings.items() if value not in (None, [])}
    with computing() as console:
        wanted = _Wanted.read(problem, soft, source, targets, within)
        directory = output or Path(wanted.problem.name)
        require_writable(directory)
        path = directory / f"{wanted.problem.name}.pac"
        given |= {"within": wanted.within, "members": members, "resume" if resume else "save": path}
        with (
            connected(scheduler, workers) as client,
            watching(console, wanted.varying, 1 + len(wanted.targets) if wanted.targets else None) as progress,
        ):
            family = solve_family(
                wanted.problem, wanted.source, wanted.targets, progress=progress, client=client, **given
            )
        rows = family.table()
        table = formats.as_csv(list(rows[0]), [list(row.values()) for row in rows])
        written = [path, write_file(directory / "table.csv", table.encode()), *write_figures(family, directory)]
    return _report(family, written, time.perf_counter() - began, as_json)


@dataclass(frozen=True)
class _Wanted:
    """The problem to solve, its source, and either its targets or a range in place of targets."""

    problem: Problem
    source: Coefficients
    targets: list[Coefficients] | None
    within: Range | None

    @classmethod
    def read(cls, name: str, soft: bool, source: Texts, targets: Texts, within: Texts) -> _Wanted:
        """Convert and check the text of the command line; raises the errors of bad input."""
        from pacpinn.equations.equation import require_equation
        from pacpinn.equations.soft_conditions import soft as with_soft_conditions
        from pacpinn.tasks.registry import get_problem

        problem = with_soft_conditions(get_problem(name)) if soft else get_problem(name)
        at_source = problem.at(arguments.single_values(source))
        ranges = arguments.read_ranges(within)
        if ranges and targets:
            raise CoefficientError("--targets and --within exclude each other; give targets or a range of values")
        if ranges:
            return cls(problem, at_source, None, require_equation(problem).checked_range(ranges))
        stated = arguments.read_targets(targets) if targets else problem.targets
        return cls(problem, at_source, [problem.at(target, at_source) for target in stated], None)

    @property
    def varying(self) -> list[str]:
        """The coefficients in which the members differ."""
        moved = {name for target in self.targets or [] for name in target if target[name] != self.source[name]}
        return [name for name in self.source if name in moved.union(self.within or ())]


def write_figures(family: Family, directory: Path) -> list[Path]:
    """Write the family's figures; their paths."""
    return [directory / f"{name}.png" for name in family.plot(directory)]


def _report(family: Family, written: Sequence[Path], seconds: float, as_json: bool) -> int:
    """Show the family; the exit code says whether all targets, and all values of a range, are solved."""
    converged = sum(member.status == "converged" for member in family.targets)
    if as_json:
        print(formats.as_json(formats.family_as_dict(family)))
    else:
        console = Console()
        console.print(tables.members_table(family, console))
        for line in tables.shortfalls(family):
            print(line)
        print_written(written)
        for line in [*tables.sizes(family.problem, console.width), *tables.answers_over_range(family)]:
            print(line)
        print(f"{converged} of {len(family.targets)} targets converged; {seconds:.1f} s in all")
    answered = family.refinement is None or family.refinement.done
    return 0 if answered and converged == len(family.targets) else 1


def print_written(paths: Sequence[Path]) -> None:
    """Say which files were written; all of them are in one folder."""
    print(f"wrote {', '.join(path.name for path in paths)} in {paths[0].parent}{os.sep}")
