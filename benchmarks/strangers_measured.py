"""What is measured of one case of `strangers_cases` at one seed, in a process of its own.

Each row goes to a file as soon as it is known, so that a run that is stopped leaves what it found.

    python benchmarks/strangers_measured.py ROWS.jsonl CASE '{"seed": 0, "draws": 5, "within": null, "answers": 20}'
"""

from __future__ import annotations

import json
import logging
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import pacpinn as pp
from strangers_errors import Case, errors, estimated, finite

Row = dict[str, Any]
Emit = Callable[[Row], None]

POINTS = 2000  # at which errors are taken
CONFIDENCE = 0.95
MESSAGE, TOLD = 300, 5  # characters of a message, messages that are kept
RANDOM_ANSWERS = 1  # the seed of the coefficients that are asked for in between


@dataclass(frozen=True)
class Asked:
    """What is asked of a case: draws of the noise, a tolerance of a family over a range, answers in that range."""

    seed: int
    draws: int
    within: float | None
    answers: int
    threads: int = 1


# Members --------------------------------------------------------------------------------------------------------------


class _Heard(logging.Handler):
    """What the package says in its log, from warnings up."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collects warnings and log lines; the list is full when the block has ended."""
    handler, told = _Heard(), list[str]()
    logging.getLogger("pacpinn").addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield told
    finally:
        logging.getLogger("pacpinn").removeHandler(handler)
    wanted = [w for w in caught if not issubclass(w.category, (DeprecationWarning, FutureWarning))]
    told += sorted({line[:MESSAGE] for line in [*(str(w.message) for w in wanted), *handler.lines]})


def statuses(family: pp.Family) -> tuple[pp.Coefficients, list[tuple[dict[str, float], str]]]:
    """The source's coefficients, and the status of each row of the family's table."""
    table = family.table()
    names = list(table[0])
    names = names[: names.index("status")]
    rows = [({name: row[name] for name in names}, str(row["status"])) for row in table]
    return pp.Coefficients(**rows[0][0]), rows


def members(case: Case, family: pp.Family) -> list[Row]:
    """One row for the source and each target."""
    source, _ = statuses(family)
    return [member(case, family, pp.Coefficients(**{**source, **t})) for t in [{}, *case.targets]]


def member(case: Case, family: pp.Family, c: pp.Coefficients) -> Row:
    """Status, errors and estimate of the family's member at `c`."""

    def same(other: dict[str, float]) -> bool:
        return all(math.isclose(other[k], v, rel_tol=1e-9, abs_tol=1e-12) for k, v in c.items())

    status = next((status for other, status in statuses(family)[1] if same(other)), "missing")
    row: Row = {"part": "member", "coefficients": label(c), "status": status}
    row |= {"error": None, "plain": None, "estimate": None, "bound": None}
    x = case.points(c, POINTS)
    try:
        u = np.asarray(family.predict(x, **dict[str, Any](c)))
        error = errors(case, x, c, u)
        row |= {"error": finite(error.variation), "plain": finite(error.plain)}
        row["estimate"], row["bound"] = map(finite, estimated(case, family, x, c, u))
    except Exception as problem:  # whatever goes wrong is what is to be told
        row["message"] = short(problem)
    return row


def solved(case: Case, seed: int, emit: Emit) -> pp.Family | None:
    """Solve the case's targets; rows of the family and of its members. None if solving raised an error."""
    row: Row = {"part": "family", "goal": case.goal, "members": None, "converged": None, "error": None, "warnings": []}
    began = time.perf_counter()
    try:
        with listening() as told:
            family = pp.solve_family(case.problem(), targets=case.targets, seed=seed)
            row["seconds"] = time.perf_counter() - began
    except Exception as problem:  # the case has failed, or was to be refused
        ours = isinstance(problem, pp.PacpinnError)
        seconds = time.perf_counter() - began
        emit({**row, "seconds": seconds, "reached": case.refusal and ours, "message": short(problem)})
        return None
    rows = members(case, family)
    for each in rows:
        emit(each)
    found = [each["error"] for each in rows]
    row["error"] = None if None in found else max(found)
    row["members"], row["converged"] = len(rows), sum(each["status"] == "converged" for each in rows)
    row["reached"] = row["error"] is not None and row["error"] <= case.goal
    if case.refusal:
        row["reached"] = any("condition" in line for line in told)
    emit({**row, "warnings": told[:TOLD]})
    return family


# Measurements, and answers in between ---------------------------------------------------------------------------------


def draw(case: Case, family: pp.Family, number: int) -> Row:
    """One draw of the noise: which intervals contain the truth."""
    assert case.truth is not None
    assert case.inverse is not None
    row: Row = {"part": "draw", "draw": number, "truth": dict(case.truth)}
    began = time.perf_counter()
    try:
        found = case.inverse(family, np.random.default_rng(number))
        ends = found.interval(CONFIDENCE)
        row["inside"] = {k: bool(ends[k][0] <= v <= ends[k][1]) for k, v in case.truth.items()}
        row["estimates"], row["standard_errors"] = found.estimates, found.standard_errors
    except Exception as problem:  # as above
        row["message"] = short(problem)
    return {**row, "seconds": time.perf_counter() - began}


def between(case: Case, asked: Asked, emit: Emit) -> None:
    """A family over the case's range, and random answers in it."""
    assert asked.within is not None
    assert case.within is not None
    row: Row = {"part": "within", "tolerance": asked.within, "asked": asked.answers, "members": None, "seconds": None}
    emit({**row, "message": "not solved when the process was stopped"})
    began = time.perf_counter()
    try:
        family = pp.solve_family(case.problem(), within=case.within, tolerance=asked.within, seed=asked.seed)
    except Exception as problem:  # as above
        emit({**row, "seconds": time.perf_counter() - began, "message": short(problem)})
        return
    emit({**row, "members": len(family), "seconds": time.perf_counter() - began})
    source, rng = next(iter(family)), np.random.default_rng(RANDOM_ANSWERS)
    for _ in range(asked.answers):
        values = {name: float(rng.uniform(*ends)) for name, ends in case.within.items()}
        emit(answer(case, family, pp.Coefficients(**{**source, **values})))


def answer(case: Case, family: pp.Family, c: pp.Coefficients) -> Row:
    """An answer at coefficients of the range: given, warned of, refused, or another error raised."""
    row: Row = {"part": "answer", "coefficients": label(c), "error": None, "plain": None, "estimate": None}
    x = case.points(c, POINTS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = family.at(**dict[str, Any](c))
            error = errors(case, x, c, np.asarray(found.predict(x)))
        except Exception as problem:  # as above
            outcome = "refused" if isinstance(problem, pp.PacpinnError) else "raised"
            return {**row, "outcome": outcome, "message": short(problem)}
    row |= {"outcome": "warned" if any(map(_is_told, caught)) else "given"}
    row |= {"error": finite(error.variation), "plain": finite(error.plain)}
    estimate = found.error_estimate
    if estimate is not None:
        row["estimate"] = finite(np.max(getattr(estimate, "relative", estimate)))
    return row


def _is_told(warning: warnings.WarningMessage) -> bool:
    ours = "pacpinn" in type(warning.message).__module__
    return ours or issubclass(warning.category, UserWarning)


def measure(case: Case, asked: Asked, emit: Emit) -> None:
    """All that is asked of a case."""
    family = solved(case, asked.seed, emit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(asked.draws if family is not None and case.inverse else 0):
            assert family is not None
            emit(draw(case, family, number))
    if asked.within is not None and case.within is not None:
        between(case, asked, emit)


def label(c: pp.Coefficients) -> str:
    return ",".join(f"{name}={value:g}" for name, value in c.items())


def short(problem: Exception) -> str:
    return f"{type(problem).__name__}: {str(problem)[:MESSAGE]}"


def main() -> None:
    path, name, words = sys.argv[1:]
    asked = Asked(**json.loads(words))
    torch.set_num_threads(asked.threads)
    torch.manual_seed(asked.seed)  # for networks that a case makes itself
    with Path(path).open("w") as file:
        measure(Case.named(name), asked, lambda row: print(json.dumps(row), file=file, flush=True))


if __name__ == "__main__":
    main()
