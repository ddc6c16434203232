"""What a case of `strangers_cases` is, and how far a solution is from its right values.

A case is a module that holds ``problem()``, ``targets``, ``within`` (a range, or None), ``goal``, ``exact(x, c)`` and
``points(c, n)``; where it needs them ``outputs`` or ``judged(x, u)`` (what is judged), ``size(x, c)`` (what errors are
relative to, instead of the variation of each output), ``truth`` with ``inverse(family, rng)`` (an inference from noisy
measurements), and ``refusal = True`` (the right outcome is an error, or a warning that speaks of the condition).

The error is the root mean square of the differences over that of the values about their mean: of the worst output, at
the worst of source and targets: the norm of estimates and of tolerances. The plain error is relative L2, over all
outputs that are judged.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

import pacpinn as pp


@dataclass(frozen=True)
class Case:
    """A problem, what is asked of it, and its right values."""

    name: str
    problem: Callable[[], pp.Problem]
    targets: Sequence[Mapping[str, float]]
    within: Mapping[str, tuple[float, float]] | None
    goal: float
    exact: Callable[[np.ndarray, pp.Coefficients], np.ndarray]
    points: Callable[[pp.Coefficients, int], np.ndarray]
    judged: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    outputs: Sequence[int] | None = None
    size: Callable[[np.ndarray, pp.Coefficients], Any] | None = None
    truth: Mapping[str, float] | None = None
    inverse: Callable[[pp.Family, np.random.Generator], pp.Inference] | None = None
    refusal: bool = False

    @classmethod
    def named(cls, name: str) -> Case:
        """The case of a file in `strangers_cases`."""
        module = importlib.import_module(f"strangers_cases.{name}")
        stated = [each.name for each in fields(cls) if hasattr(module, each.name)]
        return cls(name, **{key: getattr(module, key) for key in stated})

    @property
    def whole(self) -> bool:
        """Whether all outputs are judged, as they are."""
        return self.judged is None and self.outputs is None

    def seen(self, x: np.ndarray, u: np.ndarray) -> np.ndarray:
        """The columns that are judged."""
        if self.judged is not None:
            return self.judged(x, u)
        return u if self.outputs is None else u[:, list(self.outputs)]


class Errors(NamedTuple):
    """Relative to the variation (worst output), and plain relative L2."""

    variation: float
    plain: float


def errors(case: Case, x: np.ndarray, c: pp.Coefficients, u: np.ndarray) -> Errors:
    """The errors of values `u` ``(rows, outputs)`` at points `x`."""
    found, right = case.seen(x, u), case.exact(x, c)
    if found.shape != right.shape or not np.isfinite(right).all():
        raise ValueError(f"{case.name}: judged {found.shape}, right values {right.shape}, which must be finite")
    plain = np.linalg.norm(found - right) / np.linalg.norm(right)
    return Errors(_to_variation(case, x, c, found - right), float(plain))


def _to_variation(case: Case, x: np.ndarray, c: pp.Coefficients, difference: np.ndarray) -> float:
    """The root mean square of a difference of judged columns, relative to the variation: of the worst output."""
    size = np.std(case.exact(x, c), 0) if case.size is None else np.asarray(case.size(x, c))
    return float(np.max(np.sqrt(np.mean(difference**2, 0)) / size))


def estimated(
    case: Case, family: pp.Family, x: np.ndarray, c: pp.Coefficients, u: np.ndarray
) -> tuple[float, float | None]:
    """A member's estimated error, and its bound, where the estimate has one.

    Where not all outputs are judged, the estimate is that of the judged columns; there the bound, which is of all
    outputs, cannot be compared, and is None.
    """
    found = family.error_estimate(**c)
    if not case.whole:
        moved = case.seen(x, u) - case.seen(x, u - np.asarray(found.at(x)))
        return _to_variation(case, x, c, moved), None
    bound = getattr(found, "bound", None)
    return float(np.max(found.relative)), None if bound is None else float(np.max(bound))


def finite(value: Any) -> float | None:
    """A number as JSON can hold it: None for NaN, infinity and None."""
    return float(value) if value is not None and math.isfinite(value) else None
