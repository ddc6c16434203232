"""Tables and sentences for people: members, problems, inferred coefficients, and what a family file holds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from pacpinn.cli.formats import short_number
from pacpinn.cli.sizes import sizes_of

if TYPE_CHECKING:
    from pacpinn.continuation.solution import Solution
    from pacpinn.family.family import Family
    from pacpinn.inverse.inference import Inference
    from pacpinn.tasks.problem import Problem

_GAP = 2  # between columns
_right = partial(Column, justify="right")


def _plain_table(*columns: Column | str) -> Table:
    """An empty table without lines, as narrow as its contents allow."""
    return Table(*columns, box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")


def members_table(family: Family, console: Console) -> Table:
    """The members of a family; with the coefficients that vary, if `console` is wide enough for them."""
    table = _members_table(family, family.varying)
    needed = console.measure(table, options=console.options.update(max_width=10 * console.width)).maximum
    if needed <= console.width:
        return table
    narrow = _members_table(family, [])
    narrow.caption, narrow.caption_justify = "coefficients: see table.csv or --json", "left"
    return narrow


def _members_table(family: Family, names: Sequence[str]) -> Table:
    columns = _columns(family)
    table = _plain_table("", *map(_right, names), "status", *map(_right, columns))
    for number, member in enumerate(family.values()):
        status = Text(member.status, style="green" if member.status == "converged" else "red")
        coefficients = [f"{member.coefficients[name]:.4g}" for name in names]
        table.add_row(str(number or "source"), *coefficients, status, *(cell(member) for cell in columns.values()))
    return table


def _columns(family: Family) -> dict[str, Callable[[Solution], str]]:
    """The columns after the status, by heading; those that would say nothing about this family are left out."""
    metric = family.source.score.name if family.source.score else "error"
    columns: dict[str, Callable[[Solution], str]] = {}
    if len(family.bases) > 1:
        columns["base"] = lambda member: str(member.base)
    columns[metric.replace(" ", "\n", 1)] = lambda member: short_number(member.score.value) if member.score else ""
    if any(member.error_estimate is not None for member in family.values()):
        columns["error\nestimate"] = lambda member: short_number(_number(member.error_estimate))
        if any(_number(member.error_bound) > 2 * (member.tolerance or math.inf) for member in family.values()):
            columns["at\nmost"] = lambda member: short_number(_number(member.error_bound))
    else:
        columns["residual"] = lambda member: short_number(member.residual)
    columns["steps"] = lambda member: str(member.steps)
    columns["seconds"] = lambda member: f"{member.seconds:.2f}"
    return columns


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def shortfalls(family: Family) -> Iterator[str]:
    """A line for each target that was not solved, or that was reached past a singular point.

    The line says how far continuation came and where the singular point is.
    """

    def words(coefficients: Mapping[str, float]) -> str:
        return in_words({name: coefficients[name] for name in family.varying})

    for member in family.targets:
        outcome, singular = f"{words(member.coefficients)}: {member.status}", member.singular
        point = "" if singular is None else f"a {singular.kind} near {words(singular.near)}"
        if member.reached is not None:
            yield f"{outcome}; solved as far as {words(member.reached)}" + (point and f"; {point}")
        elif point:
            start = "" if member.parent is None else words(member.parent)
            yield f"{outcome}; the path from {start} passes {point}"


def answers_over_range(family: Family) -> Iterator[str]:
    """How accurately any coefficient of a range can be answered, if the family was refined over a range."""
    found = family.refinement
    if found is not None:
        ranges = ", ".join(f"{name} from {low:g} to {high:g}" for name, (low, high) in found.within.items())
        error = f"estimated error {short_number(found.reached)} at most (asked {found.tolerance:g})"
        yield f"{ranges}: {error}, {len(family)} members"


def problems_table(problems: Iterable[Problem]) -> Table:
    """Problems, and their coefficients with default and range."""
    heading = "what it is, and its coefficients with default and range"
    table = _plain_table(Column("problem", style="bold"), heading)
    for problem in problems:
        table.add_row(problem.name, "\n".join([summary(problem), *_coefficient_lines(problem), ""]))
    return table


def summary(problem: Problem) -> str:
    """The first line of the problem's own docstring."""
    return (type(problem).__doc__ or "").strip().partition("\n")[0]


def _coefficient_lines(problem: Problem) -> Iterator[str]:
    """A line for each coefficient; consecutive coefficients with the same declaration share a line."""

    def declaration(name: str) -> tuple[float, float, float, str]:
        coefficient = problem.coefficients[name]
        return coefficient.default, coefficient.low, coefficient.high, coefficient.doc

    for (default, low, high, doc), names in itertools.groupby(problem.coefficients, declaration):
        yield f"  {', '.join(names)} = {default:g}  ({low:g} to {high:g})" + (f"  {doc}" if doc else "")


def facts_table(family: Family, about: dict[str, Any], width: int) -> Table:
    """What a family file holds besides its members, `width` characters wide.

    `about` is as in the JSON of ``pacpinn info``.
    """
    facts = {
        "problem": f"{family.problem.name}: {summary(family.problem)}",
        "source": in_words(family.source.coefficients),
        "weights": f"{family.counts} for each target",
        "bases": "; ".join(in_words(base.coefficients) for base in family.bases),
        "range": next(answers_over_range(family), "none"),
        "settings": in_words({name: value for name, value in about["settings"].items() if value not in (None, ())}),
        "versions": in_words(about["versions"]),
        "file": f"{about['bytes'] / 1000:,.0f} kB",
    }
    if (sizes := sizes_of(family.problem)) is not None:
        facts["sizes"] = "\n".join(sizes.lines(width - max(map(len, facts)) - _GAP))
    table = Table.grid(Column(style="bold"), "", padding=(0, _GAP))
    for name, fact in facts.items():
        table.add_row(name, Text(fact))
    return table


def sizes(problem: Problem, width: int) -> Iterator[str]:
    """Lines that say what inputs, outputs and residual blocks are divided by, at the source, if the problem has sizes.

    No line is longer than `width`.
    """
    label = "sizes: "
    if (found := sizes_of(problem)) is not None:
        for i, line in enumerate(found.lines(width - len(label))):
            yield (" " * len(label) if i else label) + line


def estimates_table(found: Inference) -> Table:
    """Inferred coefficients with standard errors and 95 % intervals."""
    table = _plain_table("", *map(_right, ("estimate", "standard error", "95 % from", "to")))
    intervals, errors = found.interval(0.95), found.standard_errors
    for name, estimate in found.estimates.items():
        low, high = intervals[name]
        table.add_row(name, f"{estimate:.6g}", f"{errors[name]:.2g}", f"{low:.6g}", f"{high:.6g}")
    return table


def about_inference(found: Inference) -> Iterator[str]:
    """How well the inferred coefficients fit the measurements, and what makes their standard errors doubtful."""
    if found.deviation is None:
        yield f"misfit {found.misfit:.3g} standard deviations"
    else:
        yield f"misfit {found.misfit:.3g} units of what was measured"
        yield f"noise estimated as {found.deviation:.3g}"
    yield f"{found.status} after {found.steps} steps, {found.kind}"
    if found.bias > 1:
        yield f"the solution's own error may move an estimate by {found.bias:.2g} standard errors"
    for name in found.held:
        yield f"{name} is at an end of its range: its standard error says little"


def in_words(facts: Mapping[str, Any]) -> str:
    """``{"nu": 0.01, "k": 2.0}`` as ``"nu 0.01, k 2"``."""
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in facts.items()
    )
