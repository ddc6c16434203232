"""The command ``pacpinn predict``: a family's solution at points, as a CSV table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pacpinn.cli.arguments import read_points, single_values
from pacpinn.cli.formats import as_csv
from pacpinn.cli.options import FamilyFile, ProblemFile, computing, option
from pacpinn.errors import PacpinnError
from pacpinn.runtime.files import write_file

if TYPE_CHECKING:
    import numpy as np

    from pacpinn.tasks.coefficient import Coefficients
    from pacpinn.tasks.problem import Problem


def predict(
    family: FamilyFile,
    at: Annotated[list[str], option("NAME=VALUE", "Coefficients: of a member, or between the members.")],
    points: Annotated[Path | None, option("FILE.csv", "Points, with a first line that names the inputs.")] = None,
    output: Annotated[Path | None, option("FILE.csv", "Where to write instead of printing.")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Answer even beyond the tolerance, with a warning.")] = False,
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

    from pacpinn.family.family import load

    with computing():
        solved = load(family, problem)
        c = solved.problem.at(single_values(at), solved.source.coefficients)
        x = _points(solved.problem, c, points)
        y = solved.predict(x, doubtful="warn" if anyway else "raise", **c)
    table = as_csv([*solved.problem.inputs, *solved.problem.outputs], np.hstack([x, y]).tolist())
    if output is None:
        sys.stdout.write(table)
    else:
        print(f"wrote {write_file(output, table.encode())}")


def _points(problem: Problem, c: Coefficients, path: Path | None) -> np.ndarray:
    """The points of a file, or a grid over the domain."""
    import numpy as np

    from pacpinn.equations.equation_task import EquationTask

    name, inputs, task = problem.name, problem.inputs, problem.task(**c)
    if not inputs:
        raise PacpinnError(
            f"the inputs of {name} have no names, so that no table can hold them; predict in Python with "
            "family.predict(x)"
        )
    if path is not None:
        return np.array(read_points(path, inputs))
    if isinstance(task, EquationTask):
        return task.grid()
    raise PacpinnError(
        f"{name} has no domain to lay a grid over; give --points FILE.csv with columns {', '.join(inputs)}"
    )
