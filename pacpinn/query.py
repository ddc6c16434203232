"""Questions to a family: which coefficients are asked for, and whether an answer can be trusted."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from pacpinn.coefficient import Coefficients
from pacpinn.errors import CoefficientError, NotAccurate, PacpinnError
from pacpinn.problem import Problem
from pacpinn.ranges import Range
from pacpinn.reduced.online import Answer, Online
from pacpinn.reduced.snapshots import Snapshots, spanning
from pacpinn.refinement import require_equation
from pacpinn.settings import Settings
from pacpinn.solution import Base, Solution

log = logging.getLogger(__name__)

Doubt = Literal["raise", "warn"]


class Asked(NamedTuple):
    """Checked coefficients, and whether they were given one by one, as arrays."""

    coefficients: list[Coefficients]
    several: bool


def asked(problem: Problem, values: Mapping[str, Any], base: Coefficients) -> Asked:
    """Coefficients from numbers or from arrays, which are broadcast against each other.

    Raises:
        CoefficientError: if a coefficient is unknown, no finite number or outside its range, or arrays do not match or
            are empty.
    """
    if all(np.ndim(value) == 0 for value in values.values()):
        return Asked([problem.at(values, base=base)], several=False)
    try:
        arrays = np.broadcast_arrays(*(np.asarray(value) for value in values.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in values.items())
        raise CoefficientError(f"the coefficients' arrays do not match: {shapes}; expected one length") from None
    if not arrays[0].size:
        raise CoefficientError(f"no values given for {', '.join(values)}; expected one at least")
    rows = zip(*(each.ravel().tolist() for each in arrays), strict=True)
    return Asked([problem.at(dict(zip(values, row, strict=True)), base=base) for row in rows], several=True)


def reduced(
    problem: Problem, solutions: Iterable[Solution], bases: Sequence[Base], settings: Settings, within: Range | None
) -> Online:
    """The problem reduced to the span of those members that are solved, or nearly.

    Raises:
        PacpinnError: if the problem is no equation, or there are fewer than two such members.
    """
    equation, members = require_equation(problem), spanning(solutions)
    if len(members) < 2:
        raise PacpinnError(
            f"{problem.name} has {len(members)} solved member; expected two at least to answer what lies between them: "
            "family.extend([...]) solves more"
        )
    places = sorted((each.coefficients for each in members), key=lambda c: tuple(c.values()))
    snapshots = Snapshots(equation, places, settings)
    snapshots.add(members, bases)
    return Online(snapshots, within)


def require_trust(answers: Sequence[Answer], ends: Range, tolerance: float, doubtful: Doubt) -> None:
    """Raise or warn, as the caller chooses, if an answer lies outside the range or its error may be too large.

    Members are what they are: solved to their own tolerance.

    Raises:
        NotAccurate: naming the range or the estimated error, and what to do.
    """
    outside = [each for each in answers if not _between(each.coefficients, ends)]
    poor = [each for each in answers if each.kind != "calibrated" and not each.error_estimate <= tolerance]
    if outside:
        c = outside[0].coefficients
        name = next(name for name, (low, high) in ends.items() if not low <= c[name] <= high)
        low, high = ends[name]
        guess = outside[0].error_estimate
        reason = f"{c} lies outside the range {name}={low:g} to {high:g}; the error there is estimated as {guess:.1e}"
    elif poor:
        worst = max(poor, key=lambda each: each.error_estimate)
        c = worst.coefficients
        reason = f"the error at {c} is estimated as {worst.error_estimate:.1e}, above the tolerance {tolerance:g}"
    else:
        return
    count = len(outside) or len(poor)
    message = (
        reason
        + (f" (and {count - 1} more)" if count > 1 else "")
        + f"; family.extend([{dict(c)}]) solves it, doubtful='warn' (--anyway on the command line) answers all the same"
    )
    if doubtful == "raise":
        raise NotAccurate(message)
    log.warning("%s", message)


def _between(c: Coefficients, ends: Range) -> bool:
    return all(
        low <= c[name] <= high or any(np.isclose(c[name], end, rtol=1e-9, atol=0) for end in (low, high))
        for name, (low, high) in ends.items()
    )
