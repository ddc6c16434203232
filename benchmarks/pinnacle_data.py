"""What PINNacle provides: reference solutions, and the errors that its paper prints.

Tables are COMSOL's, as PINNacle's repository ships them (i207M/PINNacle, folder ``ref``). Errors are those of the main
table of arXiv:2306.08827v2: the paper's "L2RE", the norm of the differences over that of the right values, all outputs
together, as means of three runs.

A case is a module of `pinnacle_cases` with ``case(folder)`` and ``published``, its name in that table, or None if the
paper prints no error of it.
"""

from __future__ import annotations

import csv
import functools
import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import pacpinn as pp
from strangers_errors import Case

HERE = Path(__file__).parent / "pinnacle_cases"


class Reference(NamedTuple):
    """Right values: points ``(rows, inputs)``, time last, and values ``(rows, outputs)``."""

    x: np.ndarray
    u: np.ndarray


@functools.cache
def reference(path: Path) -> Reference:
    """A table of COMSOL: a column for each coordinate, then one for each output, at each time if the header has times.

    Rows with values that are no numbers, of points outside the domain, are left out.

    Raises:
        ValueError: if the header does not say what the columns are.
    """
    header = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("%")]
    dimension = next((re.search(r"% Dimension:\s*(\d)", line) for line in header if "Dimension" in line), None)
    if dimension is None:
        raise ValueError(f"{path} has no header with a line '% Dimension: 2'; expected a table of COMSOL")
    space, rows = int(dimension[1]), np.loadtxt(path, comments="%", ndmin=2)
    rows = rows[np.isfinite(rows).all(1)]
    times = [float(each) for each in dict.fromkeys(re.findall(r"@ t=(\S+)", header[-1]))]
    if not times:
        return Reference(rows[:, :space], rows[:, space:])
    if (rows.shape[1] - space) % len(times):
        raise ValueError(f"{path} has {rows.shape[1] - space} columns of values for {len(times)} times")
    x = np.hstack([np.repeat(rows[:, :space], len(times), axis=0), np.tile(times, len(rows))[:, None]])
    return Reference(x, rows[:, space:].reshape(len(x), -1))


def tabulated(
    problem: Callable[[], pp.Problem],
    path: Callable[[pp.Coefficients], Path],
    targets: Sequence[Mapping[str, float]] = (),
) -> Case:
    """A case whose right values stand in a file, one for each of its coefficients; all of its points are judged."""
    return closed_form(problem, lambda x, c: reference(path(c)).u, lambda c, n: reference(path(c)).x, targets)


def closed_form(
    problem: Callable[[], pp.Problem],
    exact: Callable[[np.ndarray, pp.Coefficients], np.ndarray],
    points: Callable[[pp.Coefficients, int], np.ndarray],
    targets: Sequence[Mapping[str, float]] = (),
) -> Case:
    """A case whose right values are a formula. It has no goal of ours: the paper's errors are the goal."""
    return Case(problem.__name__, problem, targets, within=None, goal=np.nan, exact=exact, points=points)


def case(name: str, folder: Path) -> Case:
    """The case of a file in `pinnacle_cases`, with its tables in a folder."""
    return importlib.import_module(f"pinnacle_cases.{name}").case(folder)


def row_of(name: str) -> str | None:
    """The row of the paper's table that a case is compared with."""
    return importlib.import_module(f"pinnacle_cases.{name}").published


@functools.cache
def published() -> dict[str, dict[str, float]]:
    """The paper's errors of each method, by row; those it leaves out, and runs without a number, are missing."""
    with (HERE / "published.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {row.pop("problem"): {method: float(each) for method, each in row.items() if each} for row in rows}
