"""Results for programs to read: JSON and CSV; and how numbers are written."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pacpinn.continuation.solution import SingularPoint, Solution
    from pacpinn.family.family import Family
    from pacpinn.reduced_basis.greedy import Refinement


def family_as_dict(family: Family) -> dict[str, Any]:
    """A family for JSON: problem, bases, source, targets and, if it was refined over a range, how."""
    return {
        "problem": family.problem.name,
        "bases": [dict(base.coefficients) for base in family.bases],
        "source": _member(family.source),
        "targets": [_member(member) for member in family.targets],
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
    """Strict JSON: a NaN or an infinity, which Python would write as such, raises ValueError."""
    return json.dumps(content, indent=2, allow_nan=False)


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV table; numbers are written with all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def finite(value: float) -> float | None:
    """`value`, or None for a NaN or an infinity, which strict JSON does not have."""
    return value if math.isfinite(value) else None


def short_number(value: float) -> str:
    """An error or a residual in a few digits: ``2.1e-05``, ``0.123``."""
    return f"{value:.1e}" if value < 0.01 else f"{value:.3g}"
