"""What the rows of `pinnacle.py` come to: tables of 80 columns, failures with the library's words, claims, a figure.

Of each case at each seed one row of part "member" for its own coefficients (``stated``) and for each further one, and
one of part "process".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table

from pinnacle_data import published, row_of
from pinnacle_measured import UNKNOWN
from report import Report
from strangers_measured import Row
from strangers_report import NO_WORD, cases_of, of, ruled

SHARE, MOST_SECONDS = 0.75, 600.0

# Rows -----------------------------------------------------------------------------------------------------------------


def kept(case: str, seed: int, found: Sequence[Row]) -> list[Row]:
    """The rows of one process, the last of which is the process's own; a case that it did not solve has a row too."""
    *members, process = found
    if not members:
        stopped = {"part": "member", "stated": True, "coefficients": "", "status": "stopped", **UNKNOWN}
        members = [{**stopped, "seconds": process["seconds"], "message": process["message"]}]
        process = {**process, "message": None}
    return [{"case": case, "row": row_of(case), "seed": seed, **row} for row in [*members, process]]


class Comparison(NamedTuple):
    """A case as the paper has it, beside the best of the paper's methods.

    Attributes:
        error: mean over the seeds, as the paper's; None if one of them has none.
        estimate: the largest; None if a seed has none.
        converged: at how many of the seeds.
        seconds: the longest.
        best, method: the paper's least error, and whose; None if the paper prints none.
    """

    case: str
    row: str | None
    error: float | None
    estimate: float | None
    converged: str
    seconds: float
    best: float | None
    method: str | None

    @property
    def holds(self) -> bool:
        """Whether it is at least as accurate as the best method, in time."""
        return None not in (self.error, self.best) and self.error <= self.best and self.seconds <= MOST_SECONDS


def comparisons(rows: Sequence[Row]) -> list[Comparison]:
    stated = [row for row in of(rows, "member") if row["stated"]]
    return [_comparison(case, own) for case, own in cases_of(stated).items()]


def _comparison(case: str, own: Sequence[Row]) -> Comparison:
    errors, estimates = ([row[column] for row in own] for column in ("plain", "estimate"))
    others = published().get(own[0]["row"] or "", {})
    method = min(others, key=lambda each: others[each]) if others else None
    return Comparison(
        case,
        own[0]["row"],
        None if None in errors else mean(errors),
        None if None in estimates else max(estimates),
        f"{sum(row['status'] == 'converged' for row in own)}/{len(own)}",
        max(row["seconds"] for row in own),
        None if method is None else others[method],
        method,
    )


# Tables ---------------------------------------------------------------------------------------------------------------


def table(rows: Sequence[Row]) -> Table:
    """A line for each case: its error beside that of the paper's best method."""
    columns = ["case", "error", "estimate", "best", "method", "converged", "s"]
    shown = ruled("Relative L2 errors, and the best of the paper's methods (* we are worse, or late)", columns)
    for each in comparisons(rows):
        mark = " *" if each.best is not None and not each.holds else ""
        numbers = [_number(each.error) + mark, _number(each.estimate), _number(each.best)]
        shown.add_row(each.case, *numbers, each.method or "–", each.converged, f"{each.seconds:.0f}")
    return shown


def table_of_families(rows: Sequence[Row]) -> Table | None:
    """A line for each further coefficient of a case, at each seed; None if there are no such members."""
    further = [row for row in of(rows, "member") if not row["stated"]]
    if not further:
        return None
    shown = ruled("Further members of the families", ["case", "seed", "member", "error", "estimate", "status", "s"])
    for row in further:
        numbers = [_number(row["plain"]), _number(row["estimate"])]
        shown.add_row(
            row["case"], str(row["seed"]), row["coefficients"], *numbers, row["status"], f"{row['seconds']:.0f}"
        )
    return shown


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1e}"


def failures(rows: Sequence[Row]) -> Iterator[str]:
    """Each member that is not converged, and each process that was stopped, with what the library said about it."""
    for row in rows:
        place = f"{row['case']}, seed {row['seed']}: "
        if row["part"] == "member" and row["status"] != "converged":
            said = row.get("message") or "; ".join(row["warnings"]) or NO_WORD
            yield f"{place}{row['coefficients']} {row['status']}. {said}"
        elif row["part"] == "process" and row["message"]:
            yield place + row["message"]


# Claims ---------------------------------------------------------------------------------------------------------------


def claims(report: Report) -> None:
    compared = [each for each in comparisons(report.rows) if each.best is not None]
    good, count = sum(each.holds for each in compared), len(compared)
    where = ", ".join(each.case for each in compared if not each.holds)
    reached = f"{good} of {count}" + (f"; not {where}" if where else "")
    claim = f"at least as accurate as the best of the paper's methods, within {MOST_SECONDS:g} s"
    report.claim(claim, f">= {SHARE:.0%}", reached, count > 0 and good >= SHARE * count)
    silent = [row for row in of(report.rows, "member") if row["status"] == "converged"]
    above = sum(row["error"] is None or row["error"] > row["bound"] for row in silent if row["bound"] is not None)
    report.claim("converged, but error above bound", "0", f"{above} of {len(silent)}", above == 0)


def figure(rows: Sequence[Row]) -> Figure:
    """Errors of all the paper's methods, and ours."""
    shown = Figure(figsize=(8, 5), layout="constrained")
    axes, compared = shown.subplots(), comparisons(rows)
    for k, each in enumerate(compared):
        others: list[Any] = list(published().get(each.row or "", {}).values())
        axes.plot(others, np.full(len(others), k), "o", color="0.6", label="methods of the paper" if k == 0 else None)
        axes.plot([each.error or np.nan], [k], "C3*", markersize=12, label="pacpinn" if k == 0 else None)
    axes.set(xscale="log", xlabel="relative L2 error", yticks=range(len(compared)))
    axes.set_yticklabels([each.case for each in compared])
    axes.invert_yaxis()
    axes.legend(frameon=False)
    return shown
