"""What the command line shows: progress while it solves, then tables for people and JSON for programs."""

from __future__ import annotations

import csv
import io
import itertools
import json
import logging
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from pacpinn.continuation.solution import SingularPoint, Solution
    from pacpinn.family.family import Family
    from pacpinn.family.progress import Progress as Stage, ProgressCallback
    from pacpinn.reduced_basis.greedy import Refinement
    from pacpinn.tasks.coefficient import Coefficient, Coefficients
    from pacpinn.tasks.problem import Problem

_SECONDS_BETWEEN_LINES = 10
_BAR_LABEL, _LINE_LABEL = 28, 60


@contextmanager
def watching(console: Console, varying: Sequence[str], members: int | None) -> Iterator[ProgressCallback]:
    """A `progress` callback that moves a bar on a terminal, and writes plain lines elsewhere.

    Args:
        console: where to show it.
        varying: the coefficients that tell members apart.
        members: how many there are to solve, the source among them; None if that will turn out.
    """
    if not console.is_terminal:
        yield _Lines(console, varying, members)
        return
    columns = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=14),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("fit source".ljust(_BAR_LABEL), total=members, loss="")

        def show(stage: Stage) -> None:
            words = _cut(f"{stage.stage} {_label(stage, varying)}", _BAR_LABEL)
            loss, done = f"loss {stage.loss:.1e}", stage.solution is not None
            bars.update(bar, description=words.ljust(_BAR_LABEL), loss=loss, advance=done)

        yield show


class _Lines:
    """A line for each finished member, and one now and then in between."""

    def __init__(self, console: Console, varying: Sequence[str], members: int | None) -> None:
        self.console, self.varying, self.members = console, varying, members
        self.done = 0
        self.last = time.monotonic()

    def __call__(self, stage: Stage) -> None:
        solution = stage.solution
        self.done += solution is not None
        if solution is None and time.monotonic() - self.last < _SECONDS_BETWEEN_LINES:
            return
        self.last = time.monotonic()
        label = _cut(_label(stage, self.varying), _LINE_LABEL)
        if solution is None:
            line = f"{stage.stage} {label}: step {stage.step}, loss {stage.loss:.1e}"
        else:
            error = f", {solution.score.name} {_short(solution.score.value)}" if solution.score else ""
            line = f"{label}: {solution.status} after {solution.steps} steps, {solution.seconds:.1f} s{error}"
            line = f"{self.done}/{self.members or '?'} {line}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _label(stage: Stage, varying: Sequence[str]) -> str:
    words = ",".join(f"{name}={stage.coefficients[name]:.4g}" for name in varying)
    return "source" if stage.stage != "calibrate" else words


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


@contextmanager
def warnings_on(console: Console) -> Iterator[None]:
    """Show pacpinn's warnings on `console`, above a progress bar if there is one."""
    handler = _Warnings(logging.WARNING)
    handler.console = console
    logger = logging.getLogger("pacpinn")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Warnings(logging.Handler):
    console: Console

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.levelname.lower()}: {record.getMessage()}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def members_table(family: Family, console: Console) -> Table:
    """The members of a family; with its varying coefficients if `console` is wide enough for them."""
    table = _members_table(family, family.varying)
    needed = console.measure(table, options=console.options.update(max_width=10 * console.width)).maximum
    if needed <= console.width:
        return table
    narrow = _members_table(family, [])
    narrow.caption, narrow.caption_justify = "coefficients: see table.csv or --json", "left"
    return narrow


def _members_table(family: Family, names: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("status")
    bases = len(family.bases) > 1
    if bases:
        table.add_column("base", justify="right")
    metric = family.source.score.name if family.source.score else "error"
    estimated = any(each.error_estimate is not None for each in family.values())
    headings = [
        metric.replace(" ", "\n", 1),
        *(["error\nestimate"] if estimated else []),
        "residual",
        "steps",
        "seconds",
    ]
    for heading in headings:
        table.add_column(heading, justify="right")
    for number, member in enumerate(family.values()):
        table.add_row(
            str(number or "source"),
            *(f"{member.coefficients[name]:.4g}" for name in names),
            Text(member.status, style="green" if member.status == "converged" else "red"),
            *([str(member.base)] if bases else []),
            "" if member.score is None else _short(member.score.value),
            *([_short(member.error_estimate or math.nan)] if estimated else []),
            _short(member.residual),
            str(member.steps),
            f"{member.seconds:.2f}",
        )
    return table


def shortfalls(family: Family) -> Iterator[str]:
    """A line for each target that was not solved, how far along the way to it solving went, or whose way led over a
    singular point."""

    def words(c: Coefficients | None) -> str:
        return "" if c is None else _words({name: c[name] for name in family.varying})

    for member in family.targets:
        target, singular = words(member.coefficients), member.singular
        point = "" if singular is None else f"a {singular.kind} near {words(singular.near)}"
        if member.reached is not None:
            yield f"{target}: {member.status}; solved as far as {words(member.reached)}{point and '; '}{point}"
        elif point:
            yield f"{target}: {member.status}; the way from {words(member.parent)} leads over {point}"


def refined(family: Family) -> Iterator[str]:
    """How well any coefficient of a range can be answered, if the family was refined over one."""
    found = family.refinement
    if found is not None:
        ranges = ", ".join(f"{name} from {low:g} to {high:g}" for name, (low, high) in found.within.items())
        reached = _short(found.reached)
        yield f"{ranges}: estimated error {reached} at most (asked {found.tolerance:g}), {len(family)} members"


def problems_table(problems: Iterable[Problem]) -> Table:
    """What problems there are, and their coefficients with default and range."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("problem", style="bold")
    table.add_column("what it is, and its coefficients with default and range")
    for problem in problems:
        table.add_row(problem.name, "\n".join([summary(problem), *_coefficient_lines(problem), ""]))
    return table


def summary(problem: Problem) -> str:
    """The first line of the problem's own docstring."""
    return (type(problem).__doc__ or "").strip().partition("\n")[0]


def _coefficient_lines(problem: Problem) -> Iterator[str]:
    """One line for each coefficient; neighbours declared alike share one."""

    def declaration(item: tuple[str, Coefficient]) -> tuple[float, float, float, str]:
        each = item[1]
        return each.default, each.low, each.high, each.doc

    for (default, low, high, doc), group in itertools.groupby(problem.coefficients.items(), declaration):
        names = ", ".join(name for name, _ in group)
        yield f"  {names} = {default:g}  ({low:g} to {high:g})" + (f"  {doc}" if doc else "")


def facts_table(family: Family, about: dict[str, Any]) -> Table:
    """What a family file holds besides its members; `about` as in the JSON of ``pacpinn info``."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    facts = {
        "problem": f"{family.problem.name}: {summary(family.problem)}",
        "source": _words(family.source.coefficients),
        "weights": f"{family.counts} for each target",
        "bases": "; ".join(_words(each.coefficients) for each in family.bases),
        "range": next(refined(family), "none"),
        "settings": _words({name: each for name, each in about["settings"].items() if each not in (None, ())}),
        "versions": _words(about["versions"]),
        "size": f"{about['bytes'] / 1000:,.0f} kB",
    }
    for name, fact in facts.items():
        table.add_row(name, Text(fact))
    return table


def _words(facts: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {each:g}" if isinstance(each, float) else f"{name} {each}" for name, each in facts.items()
    )


def as_dict(family: Family) -> dict[str, Any]:
    """A family for JSON: problem, source and targets."""
    return {
        "problem": family.problem.name,
        "bases": [dict(each.coefficients) for each in family.bases],
        "source": _member(family.source),
        "targets": [_member(each) for each in family.targets],
        "refinement": None if family.refinement is None else _refinement(family.refinement),
    }


def _refinement(refinement: Refinement) -> dict[str, Any]:
    return {
        "within": {name: list(ends) for name, ends in refinement.within.items()},
        "tolerance": refinement.tolerance,
        "reached": finite(refinement.reached),
        "rounds": [
            {"members": each.members, "estimate": finite(each.estimate), "at": dict(each.at)}
            for each in refinement.rounds
        ],
    }


def _member(solution: Solution) -> dict[str, Any]:
    return {
        "coefficients": dict(solution.coefficients),
        "status": str(solution.status),
        "base": solution.base,
        "reached": None if solution.reached is None else dict(solution.reached),
        "singular": None if solution.singular is None else _singular(solution.singular),
        "metric": solution.score.name if solution.score else None,
        "error": finite(solution.score.value) if solution.score else None,
        "error_estimate": None if solution.error_estimate is None else finite(solution.error_estimate),
        "residual": finite(solution.residual),
        "steps": solution.steps,
        "seconds": solution.seconds,
    }


def _singular(point: SingularPoint) -> dict[str, Any]:
    return {"kind": str(point.kind), "near": dict(point.near)}


def as_json(content: dict[str, Any]) -> str:
    """Strict JSON, without the NaN and Infinity that Python would write."""
    return json.dumps(content, indent=2, allow_nan=False)


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV table; numbers to their last digit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def finite(value: float) -> float | None:
    """`value` for strict JSON, which knows no NaN and no infinity."""
    return value if math.isfinite(value) else None


def _short(value: float) -> str:
    return f"{value:.1e}" if value < 0.01 else f"{value:.3g}"
