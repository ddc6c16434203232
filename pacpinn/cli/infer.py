"""The command ``pacpinn infer``: coefficients from a table of measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pacpinn.cli.options import AsJson, FamilyFile, ProblemFile, computing

if TYPE_CHECKING:
    from rich.console import Console

    from pacpinn.inverse.inference import Inference

NOT_CONVERGED = 1


def infer(
    family: FamilyFile,
    measured: Annotated[
        Path,
        typer.Argument(metavar="DATA.csv", help="Measurements: a first line names the inputs and what was measured."),
    ],
    unknown: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A coefficient to find; may be given again. By default all that vary."),
    ] = None,
    deviation: Annotated[
        float | None,
        typer.Option(metavar="SIZE", help="Standard deviation of the noise; by default estimated from the misfit."),
    ] = None,
    start: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Where to begin; by default where it fits best.")
    ] = None,
    known: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="NAME=VALUE", help="Other coefficients; by default the source's."),
    ] = None,
    as_json: AsJson = False,
    problem: ProblemFile = None,
) -> int:
    """Find coefficients from measurements, with standard errors.

    The table's columns are the problem's inputs and one or more of its outputs;
    an empty cell is an output that was not measured there.

    Examples:

    pacpinn infer burgers/burgers.pac data.csv --unknown nu
    pacpinn infer burgers/burgers.pac data.csv --unknown nu --deviation 0.01 --json
    """
    from rich.console import Console

    from pacpinn.cli.arguments import read_measurements, single_values
    from pacpinn.cli.formats import as_json as to_json
    from pacpinn.family.family import load

    with computing():
        solved = load(family, problem)
        points, values = read_measurements(measured, solved.problem.inputs, solved.problem.outputs)
        unknowns = [name for text in unknown or [] for name in text.split(",")] or None
        others: dict[str, Any] = dict(single_values(known or []))
        begin_at = single_values(start) if start else None
        found = solved.infer(points, values, unknowns, deviation, begin_at, **others)
    if as_json:
        print(to_json(_as_dict(found)))
    else:
        _show(found, Console())
    return 0 if found.status == "converged" else NOT_CONVERGED


def _as_dict(found: Inference) -> dict[str, Any]:
    from pacpinn.cli.formats import finite

    return {
        "coefficients": dict(found.coefficients),
        "estimates": found.estimates,
        "standard_errors": {name: finite(error) for name, error in found.standard_errors.items()},
        "intervals": {name: [finite(end) for end in ends] for name, ends in found.interval(0.95).items()},
        "covariance": [[finite(entry) for entry in row] for row in found.covariance.tolist()],
        "misfit": found.misfit,
        "deviation": found.deviation,
        "degrees": found.degrees,
        "bias": finite(found.bias),
        "held": list(found.held),
        "kind": found.kind,
        "status": str(found.status),
        "steps": found.steps,
    }


def _show(found: Inference, console: Console) -> None:
    from pacpinn.cli.tables import plain_table

    table = plain_table()
    table.add_column("")
    for heading in ("estimate", "standard error", "95 % from", "to"):
        table.add_column(heading, justify="right")
    intervals, errors = found.interval(0.95), found.standard_errors
    for name, estimate in found.estimates.items():
        low, high = intervals[name]
        table.add_row(name, f"{estimate:.6g}", f"{errors[name]:.2g}", f"{low:.6g}", f"{high:.6g}")
    console.print(table)
    units = "standard deviations" if found.deviation is None else "units of what was measured"
    noise = "" if found.deviation is None else f"\nnoise estimated as {found.deviation:.3g}"
    lines = f"misfit {found.misfit:.3g} {units}{noise}\n{found.status} after {found.steps} steps, {found.kind}"
    console.print(lines, markup=False, highlight=False)
    if found.bias > 1:
        console.print(
            f"the solution's own error may move an estimate by {found.bias:.2g} standard errors", highlight=False
        )
    for name in found.held:
        console.print(f"{name} is at an end of its range: its standard error says little", highlight=False)
