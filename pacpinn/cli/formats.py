"""Results for programs to read: JSON and CSV; and how numbers are written."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pacpinn.cli.sizes import sizes_of

if TYPE_CHECKING:
    from pacpinn.continuation.solution import Solution
    from pacpinn.family.family import Family
    from pacpinn.inverse.inference import Inference
    from pacpinn.reduced_basis.greedy import Refinement


def family_as_dict(family: Family) -> dict[str, Any]:
    """A family for JSON: problem, sizes, bases, source, targets and, if it was refined over a range, how."""
    sizes = sizes_of(family.problem)
    return {
        "problem": family.problem.name,
        "sizes": None if sizes is None else asdict(sizes),
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
    reached, singular, score = solution.reached, solution.singular, solution.score
    return {
        "coefficients": dict(solution.coefficients),
        "status": str(solution.status),
        "base": solution.base,
        "reached": None if reached is None else dict(reached),
        "singular": None if singular is None else {"kind": str(singular.kind), "near": dict(singular.near)},
        "metric": score.name if score else None,
        "error": finite(score.value) if score else None,
        "error_estimate": None if solution.error_estimate is None else finite(solution.error_estimate),
        "error_bound": None if solution.error_bound is None else finite(solution.error_bound),
        "residual": finite(solution.residual),
        "steps": solution.steps,
        "seconds": solution.seconds,
    }


def inference_as_dict(found: Inference) -> dict[str, Any]:
    """Inferred coefficients for JSON, with standard errors, 95 % intervals and covariance."""
    return {
        "coefficients": dict(found.coefficients),
        "estimates": found.estimates,
        "standard_errors": {name: finite(error) for name, error in found.standard_errors.items()},
        "intervals": {name: [finite(end) for end in ends] for name, ends in found.interval(0.95).items()},
        "covariance": [[finite(entry) for entry in row] for row in found.covariance.tolist()],
        "misfit": found.misfit,
        "deviation": found.deviation,
        "degrees": found.degrees,
        "bias": finite(found.bias),
        "held": list(found.held),
        "kind": found.kind,
        "status": str(found.status),
        "steps": found.steps,
    }


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
