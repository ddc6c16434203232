"""The command ``pacpinn infer``: coefficients from a table of measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from pacpinn.cli import formats, tables
from pacpinn.cli.arguments import read_measurements, single_values
from pacpinn.cli.options import AsJson, FamilyFile, ProblemFile, Texts, computing, option


def infer(
    family: FamilyFile,
    measured: Annotated[Path, typer.Argument(metavar="DATA.csv", help="Measurements, in columns with names.")],
    unknown: Annotated[
        Texts, option("NAME", "A coefficient to find; may be given again. By default all that vary.")
    ] = None,
    deviation: Annotated[float | None, option("SIZE", "Standard deviation of the noise; by default estimated.")] = None,
    start: Annotated[Texts, option("NAME=VALUE", "Where to begin; by default where it fits best.")] = None,
    at: Annotated[Texts, option("NAME=VALUE", "Other coefficients; by default the source's.")] = None,
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
    from pacpinn.family.family import load

    with computing():
        solved = load(family, problem)
        points, values = read_measurements(measured, solved.problem.inputs, solved.problem.outputs)
        unknowns = [name for text in unknown or [] for name in text.split(",")] or None
        others: dict[str, Any] = dict(single_values(at))
        found = solved.infer(points, values, unknowns, deviation, single_values(start) or None, **others)
    if as_json:
        print(formats.as_json(formats.inference_as_dict(found)))
    else:
        console = Console()
        console.print(tables.estimates_table(found))
        for line in tables.about_inference(found):
            console.print(line, markup=False, highlight=False)
    return 0 if found.status == "converged" else 1
