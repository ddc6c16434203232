"""What the rows of `strangers.py` come to: tables of 80 columns, failures with the library's words, claims, a figure.

Of each case at each seed one row of part ``"family"``, one ``"member"`` for the source and each target, one
``"interval"`` for each unknown, one ``"within"`` for the answers in between, one ``"process"``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich import box
from rich.table import Table

from report import Report, brief
from strangers_errors import finite
from strangers_measured import Row

GOALS, CASES_AT_ALL_SEEDS = 0.90, 20
FACTOR, ABOVE_FACTOR, ABOVE_BOUND = 3, 0.05, 0.01
ANSWERED, BETWEEN, SILENT = 0.95, 15, 0.01  # share of the answers for which a case counts as answered
LEAST, MOST, OF = 90, 99, 100
NO_WORD = "(the library said nothing)"
EDGE = 300.0  # times the goal: larger errors, and none, are drawn here

# Rows -----------------------------------------------------------------------------------------------------------------


def of(rows: Sequence[Row], part: str) -> list[Row]:
    return [row for row in rows if row["part"] == part]


def condensed(case: str, seed: int, found: Sequence[Row]) -> list[Row]:
    """The rows of one process as they are kept: draws and answers are counted. The first one is the family's."""
    (process,), families = of(found, "process"), of(found, "family")
    if not families:
        families = [{"part": "family", "reached": False, "error": None, "warnings": [], "message": process["message"]}]
        process = {**process, "message": None}
    rows = [*families, *of(found, "member"), *_intervals(of(found, "draw"))]
    rows += [_answers(row, of(found, "answer")) for row in of(found, "within")[-1:]]  # the first was of its start
    return [{"case": case, "seed": seed, **row} for row in [*rows, process]]


def _intervals(draws: Sequence[Row]) -> Iterator[Row]:
    """One row for each unknown; a draw that raised an error counts as one whose interval misses."""
    message = next((row["message"] for row in draws if "message" in row), None)
    inferred = [row for row in draws if "message" not in row]
    for name, truth in draws[0]["truth"].items() if draws else ():
        off = [(row["estimates"][name] - truth) / row["standard_errors"][name] for row in inferred]
        yield {
            "part": "interval",
            "unknown": name,
            "truth": truth,
            "draws": len(draws),
            "inside": sum(row["inside"][name] for row in inferred),
            "raised": len(draws) - len(inferred),
            "off": finite(np.sqrt(np.mean(np.square(off)))) if off else None,
            "seconds": float(np.median([row["seconds"] for row in draws])),
            "message": message,
        }


def _answers(family: Row, answers: Sequence[Row]) -> Row:
    outcomes = [row["outcome"] for row in answers]
    given = [row for row in answers if row["outcome"] == "given"]
    over = [row for row in given if above(row["error"], family["tolerance"])]
    ratios = [row["error"] / row["estimate"] for row in given if row["estimate"] and row["error"] is not None]
    return {
        "message": next((row["message"] for row in answers if "message" in row), None),
        **family,
        "answers": len(answers),
        **{outcome: outcomes.count(outcome) for outcome in ("given", "warned", "refused", "raised")},
        "over": len(over),
        "over_at": [row["coefficients"] for row in over[:5]],
        "error": max((row["error"] for row in given if row["error"] is not None), default=None),
        "underestimate": max(ratios, default=None),
    }


def above(error: float | None, limit: float) -> bool:
    """Whether an error is above a limit; one that is not a number is."""
    return error is None or error > limit


def answered(row: Row) -> bool:
    """Whether nearly all answers in between were given without a warning, and within the tolerance."""
    return bool(row["given"] - row["over"] >= ANSWERED * row["asked"])


def cases_of(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by case, in the order of their names."""
    return {name: [row for row in rows if row["case"] == name] for name in sorted({row["case"] for row in rows})}


# Tables ---------------------------------------------------------------------------------------------------------------


def ruled(title: str, columns: Sequence[str]) -> Table:
    """An empty table without vertical rules: the first column to the left, the others to the right."""
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for k, column in enumerate(columns):
        shown.add_column(column, justify="right" if k else "left")
    return shown


def table(rows: Sequence[Row]) -> Table:
    """A line for each case: its goal, the error at each seed, converged members, the longest solve."""
    seeds = sorted({row["seed"] for row in of(rows, "family")})
    errors = [f"seed {seed}" for seed in seeds]
    shown = ruled("Errors relative to the variation (* above the goal)", ["case", "goal", *errors, "converged", "s"])
    for name, own in cases_of(of(rows, "family")).items():
        by_seed = {row["seed"]: row for row in own}
        goal = next((row["goal"] for row in own if "goal" in row), None)
        seconds = max((row["seconds"] for row in own if "seconds" in row), default=None)
        converged = " ".join(_converged(row) for row in own)
        cells = [_error(by_seed[seed]) if seed in by_seed else "" for seed in seeds]
        shown.add_row(name, brief(goal), *cells, converged, "–" if seconds is None else f"{seconds:.0f}")
    return shown


def _error(row: Row) -> str:
    text = "–" if row["error"] is None else f"{row['error']:.1e}"
    return text if row["reached"] else f"{text} *"


def _converged(row: Row) -> str:
    return f"{row['converged']}/{row['members']}" if row.get("members") else "–"


def table_between(rows: Sequence[Row]) -> Table | None:
    """A line for each case and seed of a family over a range; None if there are no such families."""
    if not of(rows, "within"):
        return None
    columns = ["case", "seed", "members", "s", "given", "doubted", "over", "worst error"]
    shown = ruled("Answers in between", columns)
    for row in of(rows, "within"):
        doubted = row["warned"] + row["refused"] + row["raised"]
        seconds = None if row["seconds"] is None else round(row["seconds"])
        cells = [row["seed"], row["members"], seconds, row["given"], doubted, row["over"], row["error"]]
        shown.add_row(row["case"], *map(brief, cells))
    return shown


def failures(rows: Sequence[Row]) -> Iterator[str]:
    """Each failure, and what the library said about it."""
    for row in rows:
        place = f"{row['case']}, seed {row['seed']}: "
        if row["part"] == "family" and not row["reached"]:
            yield place + _outcome(row, rows) + ". " + (row.get("message") or "; ".join(row["warnings"]) or NO_WORD)
        elif row["part"] == "within" and not answered(row):
            given = f"in between {row['given']} of {row['asked']} answers given, {row['over']} over the tolerance. "
            yield place + given + (row["message"] or NO_WORD)
        elif row["part"] in ("member", "interval") and row.get("message"):
            what = row["coefficients"] if row["part"] == "member" else f"interval of {row['unknown']}"
            yield f"{place}{what}. {row['message']}"
        elif row["part"] == "process" and row["message"]:
            yield place + row["message"]


def _outcome(family: Row, rows: Sequence[Row]) -> str:
    if family["error"] is None and not family.get("members"):
        return "not solved"
    own = [row for row in of(rows, "member") if (row["case"], row["seed"]) == (family["case"], family["seed"])]
    others = [row["status"] for row in own if row["status"] != "converged"]
    counts = ", ".join(f"{others.count(status)} {status}" for status in sorted(set(others)))
    error = "no finite error" if family["error"] is None else f"error {family['error']:.2g}"
    return f"{error}, {counts or 'all converged'}"


# Claims ---------------------------------------------------------------------------------------------------------------


def claims(report: Report) -> None:
    _claims_of_goals(report)
    _claims_of_estimates(report)
    if of(report.rows, "within"):
        _claims_of_answers(report)
    _claims_of_intervals(report)


def _claims_of_goals(report: Report) -> None:
    families = of(report.rows, "family")
    reached, count = sum(row["reached"] for row in families), len(families)
    share = f"{reached} of {count} ({reached / count:.0%})"
    report.claim("cases and seeds that reach their goal", f">= {GOALS:.0%}", share, reached >= GOALS * count)
    by_case = cases_of(families)
    _cases(report, "cases that reach it at all seeds", by_case, "reached", CASES_AT_ALL_SEEDS)


def _cases(report: Report, claim: str, by_case: dict[str, list[Row]], column: str, asked: int) -> None:
    whole = sum(all(row[column] for row in own) for own in by_case.values())
    report.claim(claim, f">= {asked}", f"{whole} of {len(by_case)}", whole >= asked)


def _at_most(report: Report, claim: str, asked: float, bad: int, count: int, none: str) -> None:
    reached = f"{bad} of {count} ({bad / count:.1%})" if count else none
    report.claim(claim, f"<= {asked:.0%}", reached, count > 0 and bad <= asked * count)


def _claims_of_estimates(report: Report) -> None:
    converged = [row for row in of(report.rows, "member") if row["status"] == "converged"]
    for column, factor, asked in (("bound", 1, ABOVE_BOUND), ("estimate", FACTOR, ABOVE_FACTOR)):
        known = [row for row in converged if row[column] is not None]
        bad = sum(above(row["error"], factor * row[column]) for row in known)
        times = f"{factor} x estimate" if factor > 1 else column
        _at_most(report, f"converged, but error above {times}", asked, bad, len(known), f"none has a {column}")


def _claims_of_answers(report: Report) -> None:
    rows = of(report.rows, "within")
    told: dict[str, list[dict[str, Any]]] = {
        name: [{"answered": answered(row)} for row in own] for name, own in cases_of(rows).items()
    }
    _cases(report, "cases answered in between", told, "answered", BETWEEN)
    over, given = sum(row["over"] for row in rows), sum(row["given"] for row in rows)
    _at_most(report, "answers over the tolerance, of those given without a word", SILENT, over, given, "none given")


def _claims_of_intervals(report: Report) -> None:
    for name, own in cases_of(of(report.rows, "interval")).items():
        unknowns = dict.fromkeys(row["unknown"] for row in own)
        counts = {each: [f"{row['inside']}" for row in own if row["unknown"] == each] for each in unknowns}
        reached = "; ".join(f"{each}: {', '.join(values)}" for each, values in counts.items())
        draws = max(row["draws"] for row in own)
        asked = f"{_scaled(LEAST, draws)} to {_scaled(MOST, draws)}"
        report.claim(f"{name}: intervals with the truth, of {draws}", asked, reached, all(map(covers, own)))


def covers(row: Row) -> bool:
    """Whether intervals contain the truth about as often as they say."""
    return bool(_scaled(LEAST, row["draws"]) <= row["inside"] <= _scaled(MOST, row["draws"]))


def _scaled(count: int, draws: int) -> int:
    return round(count * draws / OF)


def figure(rows: Sequence[Row]) -> Figure:
    """Errors in units of their goals, and members' errors against their estimates."""
    shown = Figure(figsize=(9, 5), layout="constrained")
    left, right = shown.subplots(1, 2)
    for k, (_, own) in enumerate(cases := list(cases_of(of(rows, "family")).items())):
        for row in own:
            error = EDGE if row["error"] is None else min(row["error"] / row["goal"], EDGE)
            left.plot(error, k, "C3x" if error == EDGE else "C0.")
    left.axvline(1, color="0.4", linewidth=0.8)
    left.set(xscale="log", xlabel="error / goal", yticks=range(len(cases)), yticklabels=[name for name, _ in cases])
    left.invert_yaxis()
    known = [row for row in of(rows, "member") if row["estimate"] and row["error"]]
    for status, marker in (("converged", "C0."), ("others", "C3x")):
        own = [row for row in known if (row["status"] == "converged") == (status == "converged")]
        right.loglog([row["estimate"] for row in own], [row["error"] for row in own], marker, label=status)
    ends = np.array([1e-8, 1e1])
    right.plot(ends, ends, "0.4", ends, FACTOR * ends, "0.7", linewidth=0.8)
    right.set(xlabel="estimated relative error", ylabel="error relative to the variation")
    right.legend(frameon=False)
    return shown
