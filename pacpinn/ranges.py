"""Ranges of coefficients: checked, filled with coefficients, and where in them some coefficients lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pacpinn.coefficient import Coefficients
from pacpinn.errors import CoefficientError
from pacpinn.problem import Problem

Range = Mapping[str, tuple[float, float]]  # the ends of each coefficient's range, as {"nu": (0.01, 0.05)}

_STEP = 1e-5  # of a coefficient: a central difference is off by its square
_LEAST = 1e-2  # of its range: what counts for a coefficient's size near zero


def checked_range(problem: Problem, within: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[float, float]]:
    """The ends of each coefficient's range as numbers.

    Raises:
        CoefficientError: if a range is empty or reversed, or a coefficient unknown or out of its own range.
    """
    ends = {}
    for name, (low, high) in within.items():
        low, high = (problem.at({name: end})[name] for end in (low, high))
        if not low < high:
            raise CoefficientError(f"the range {name}={low:g}:{high:g} is empty; expected low < high")
        ends[name] = (low, high)
    if not ends:
        raise CoefficientError(
            f"no range given for {problem.name}; expected one for at least one of: {', '.join(problem.coefficients)}"
        )
    return ends


def spanned(members: Iterable[Coefficients]) -> dict[str, tuple[float, float]]:
    """Least and largest value of each coefficient that varies over some members."""
    listed = list(members)
    ends = {name: (min(c[name] for c in listed), max(c[name] for c in listed)) for name in listed[0]}
    return {name: (low, high) for name, (low, high) in ends.items() if low < high}


def at_shares(problem: Problem, within: Range, shares: np.ndarray, base: Coefficients) -> list[Coefficients]:
    """Coefficients at `shares` ``(k, names)`` of the way through each range, in its own scale; all others as in `base`.

    Example:
        >>> at_shares(burgers, {"nu": (0.01, 0.04)}, np.array([[0.0], [0.5], [1.0]]), burgers.source)
        [Coefficients(nu=0.01), Coefficients(nu=0.02), Coefficients(nu=0.04)]
    """
    columns = {}
    for (name, (low, high)), column in zip(within.items(), np.transpose(shares), strict=True):
        each = problem.coefficients[name]
        begin, end = each.position(low), each.position(high)
        values = [each.value_at(begin + share * (end - begin)) for share in column]
        within_ends = np.clip(values, low, high)  # which rounding may leave, or just miss
        columns[name] = np.select([column == 0, column == 1], [low, high], within_ends).tolist()
    return [
        Coefficients(**{**base, **dict(zip(columns, row, strict=True))}) for row in zip(*columns.values(), strict=True)
    ]


def shares_of(problem: Problem, within: Range, cs: Sequence[Coefficients]) -> np.ndarray:
    """How far through each range coefficients lie ``(k, names)``: the inverse of :func:`at_shares`."""
    columns = []
    for name, (low, high) in within.items():
        each = problem.coefficients[name]
        begin, end = each.position(low), each.position(high)
        columns.append((np.array([each.position(c[name]) for c in cs]) - begin) / (end - begin))
    return np.stack(columns, axis=1)


def regular(dimensions: int, per_range: int) -> np.ndarray:
    """Shares of a regular grid with its corners ``(per_range ** dimensions, dimensions)``, the last range fastest."""
    axes = np.meshgrid(*[np.linspace(0, 1, per_range)] * dimensions, indexing="ij")
    return np.stack([each.ravel() for each in axes], axis=1)


def neighbours(problem: Problem, c: Coefficients, name: str) -> tuple[Coefficients, Coefficients]:
    """Coefficients that differ a little in one of them, below and above `c` but within its range: for differences."""
    each = problem.coefficients[name]
    step = _STEP * max(abs(c[name]), _LEAST * (each.high - each.low))
    below, above = (min(max(c[name] + sign * step, each.low), each.high) for sign in (-1, 1))
    return Coefficients(**{**c, name: below}), Coefficients(**{**c, name: above})
