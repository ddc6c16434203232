"""Tables and sentences for people: members, problems, and what a family file holds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from pacpinn.cli.formats import short_number

if TYPE_CHECKING:
    from pacpinn.continuation.solution import Solution
    from pacpinn.family.family import Family
    from pacpinn.tasks.coefficient import Coefficient
    from pacpinn.tasks.problem import Problem


def plain_table() -> Table:
    """An empty table without lines, as narrow as its contents allow."""
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")


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
    table = plain_table()
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("status")
    columns = _columns(family)
    for heading in columns:
        table.add_column(heading, justify="right")
    for number, member in enumerate(family.values()):
        cells: list[RenderableType] = [f"{member.coefficients[name]:.4g}" for name in names]
        cells.append(Text(member.status, style="green" if member.status == "converged" else "red"))
        cells.extend(cell(member) for cell in columns.values())
        table.add_row(str(number or "source"), *cells)
    return table


def _columns(family: Family) -> dict[str, Callable[[Solution], str]]:
    """The columns after the status, by heading; those that would say nothing about this family are left out."""
    metric = family.source.score.name if family.source.score else "error"
    columns: dict[str, Callable[[Solution], str]] = {}
    if len(family.bases) > 1:
        columns["base"] = lambda member: str(member.base)
    columns[metric.replace(" ", "\n", 1)] = lambda member: short_number(member.score.value) if member.score else ""
    if any(member.error_estimate is not None for member in family.values()):
        columns["error\nestimate"] = lambda member: short_number(member.error_estimate or math.nan)
    columns["residual"] = lambda member: short_number(member.residual)
    columns["steps"] = lambda member: str(member.steps)
    columns["seconds"] = lambda member: f"{member.seconds:.2f}"
    return columns


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
        reached = short_number(found.reached)
        yield f"{ranges}: estimated error {reached} at most (asked {found.tolerance:g}), {len(family)} members"


def problems_table(problems: Iterable[Problem]) -> Table:
    """Problems, and their coefficients with default and range."""
    table = plain_table()
    table.add_column("problem", style="bold")
    table.add_column("what it is, and its coefficients with default and range")
    for problem in problems:
        table.add_row(problem.name, "\n".join([summary(problem), *_coefficient_lines(problem), ""]))
    return table


def summary(problem: Problem) -> str:
    """The first line of the problem's own docstring."""
    return (type(problem).__doc__ or "").strip().partition("\n")[0]


def _coefficient_lines(problem: Problem) -> Iterator[str]:
    """A line for each coefficient; consecutive coefficients with the same declaration share a line."""

    def declaration(item: tuple[str, Coefficient]) -> tuple[float, float, float, str]:
        coefficient = item[1]
        return coefficient.default, coefficient.low, coefficient.high, coefficient.doc

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
        "source": in_words(family.source.coefficients),
        "weights": f"{family.counts} for each target",
        "bases": "; ".join(in_words(base.coefficients) for base in family.bases),
        "range": next(answers_over_range(family), "none"),
        "settings": in_words({name: value for name, value in about["settings"].items() if value not in (None, ())}),
        "versions": in_words(about["versions"]),
        "size": f"{about['bytes'] / 1000:,.0f} kB",
    }
    for name, fact in facts.items():
        table.add_row(name, Text(fact))
    return table


def in_words(facts: Mapping[str, Any]) -> str:
    """``{"nu": 0.01, "k": 2.0}`` as ``"nu 0.01, k 2"``."""
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in facts.items()
    )
