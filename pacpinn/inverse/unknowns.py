"""Coefficients to be found, each measured in its own scale, and whether measurements tell them apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pacpinn.errors import CoefficientError, NotIdentifiable
from pacpinn.tasks.coefficient import Coefficient, Coefficients, Count
from pacpinn.tasks.problem import Problem

_ROUNDING = 1e-6  # of the largest slope: what central differences can tell from nothing
_SAFETY = 3  # times what is known of the slopes' accuracy
_SHOWN = 0.05  # smallest share of a coefficient in a direction that is named


class Unknowns:
    """Some coefficients of a problem as places: logarithms on a log scale, else parts of the range.

    Args:
        problem: the family.
        names: which of its coefficients.

    Raises:
        CoefficientError: if there are none, one is unknown, named twice, or takes whole numbers only.
    """

    def __init__(self, problem: Problem, names: Sequence[str]) -> None:
        known = ", ".join(problem.coefficients)
        if not names:
            raise CoefficientError(f"no unknown given for {problem.name}; expected one at least of: {known}")
        for name in names:
            if name not in problem.coefficients:
                raise CoefficientError(f"{problem.name} has no coefficient {name!r} to find; there are: {known}")
            if isinstance(problem.coefficients[name], Count):
                raise CoefficientError(
                    f"{name} takes whole numbers only, to which no slope leads; expected another one"
                )
        if len(set(names)) < len(names):
            raise CoefficientError(f"unknown={', '.join(names)} names one twice; expected each once")
        self.names = tuple(names)
        self.coefficients: list[Coefficient] = [problem.coefficients[name] for name in names]

    def __len__(self) -> int:
        return len(self.names)

    def places(self, c: Coefficients) -> np.ndarray:
        """Where they are ``(n,)``."""
        return np.array(
            [math.log(c[each.name]) if _log(each) else c[each.name] / _width(each) for each in self.coefficients]
        )

    def at(self, places: np.ndarray, base: Coefficients) -> Coefficients:
        """Coefficients at some places, held within their ranges; all others as in `base`."""
        found = {}
        for each, place in zip(self.coefficients, places.tolist(), strict=True):
            value = math.exp(min(place, 700.0)) if _log(each) else place * _width(each)
            found[each.name] = min(max(value, each.low), each.high)
        return Coefficients(**{**base, **found})

    def slopes(self, c: Coefficients) -> np.ndarray:
        """How fast coefficients change with their places ``(n,)``."""
        return np.array([c[each.name] if _log(each) else _width(each) for each in self.coefficients])

    @property
    def ranges(self) -> np.ndarray:
        """Lengths of their ranges, in places ``(n,)``."""
        return np.array([math.log(each.high / each.low) if _log(each) else 1.0 for each in self.coefficients])

    def held(self, c: Coefficients) -> list[str]:
        """Names of those at an end of their range."""
        return [each.name for each in self.coefficients if c[each.name] in (each.low, each.high)]

    def outward(self, c: Coefficients, step: np.ndarray) -> np.ndarray:
        """Which of them a step in places ``(n,)`` would carry out of their range, ``(n,)``."""
        low = np.array([c[each.name] <= each.low for each in self.coefficients])
        high = np.array([c[each.name] >= each.high for each in self.coefficients])
        return (low & (step < 0)) | (high & (step > 0))

    def require_identifiable(self, slopes: np.ndarray, rest: float) -> None:
        """Raise :class:`NotIdentifiable`, with the direction, if measurements tell nothing along one.

        Args:
            slopes: of the differences by the places ``(m, n)``.
            rest: how accurate they are, relative to the largest.
        """
        _, sizes, directions = np.linalg.svd(slopes, full_matrices=False)
        if sizes[-1] > max(_ROUNDING, _SAFETY * rest) * sizes[0] and sizes[0] > 0:
            return
        direction = directions[-1] * (1 if directions[-1][np.argmax(np.abs(directions[-1]))] > 0 else -1)
        shown = [(name, part) for name, part in zip(self.names, direction, strict=True) if abs(part) > _SHOWN]
        along = " ".join(f"{part:+.2f} {name}" for name, part in shown)
        kinds = {_log(each) for each in self.coefficients if each.name in dict(shown)}
        scale = (
            "log scale" if kinds == {True} else "parts of the range" if kinds == {False} else "each in its own scale"
        )
        who = " and ".join(", ".join(name for name, _ in shown).rsplit(", ", 1))
        if len(shown) == 1:
            raise NotIdentifiable(f"{who} cannot be found: the measurements do not depend on it; measure what does")
        raise NotIdentifiable(
            f"{who} cannot be told apart: the measurements determine nothing along {along} ({scale}); expected fewer "
            "unknowns, or measurements of something that depends on it"
        )


def _log(each: Coefficient) -> bool:
    return each.scale == "log"


def _width(each: Coefficient) -> float:
    return each.high - each.low
