"""Look-up of values by coefficients, to rounding."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from pacpinn.tasks.coefficient import Coefficients

_Value = TypeVar("_Value")

_MARGIN = 1e-8  # relative: more than the rounding that is allowed, and far less than a cell of seven digits


class CoefficientLookup(Generic[_Value]):
    """Values by coefficients that agree as by :meth:`Coefficients.close_to`, in constant time.

    The dictionary's keys are the coefficients rounded to seven digits. A coefficient close to the edge of its rounding
    cell is looked for in the neighbouring cell too.

    Args:
        entries: coefficients with their values; no two coefficients agree.
    """

    def __init__(self, entries: Iterable[tuple[Coefficients, _Value]]) -> None:
        self._cells: dict[tuple[str, ...], list[tuple[Coefficients, _Value]]] = {}
        for c, value in entries:
            self._cells.setdefault(tuple(_rounded(x) for _, x in sorted(c.items())), []).append((c, value))

    def get(self, c: Coefficients) -> _Value | None:
        """The value of coefficients that agree with `c`; None if there are none."""
        found = (value for cell in _cells(c) for own, value in self._cells.get(cell, ()) if own.close_to(c))
        return next(found, None)


def _cells(c: Coefficients) -> Iterator[tuple[str, ...]]:
    """The cells of all coefficients that agree with `c`."""
    ends = ((x * (1 - _MARGIN), x * (1 + _MARGIN)) for _, x in sorted(c.items()))
    return itertools.product(*({_rounded(low), _rounded(high)} for low, high in ends))


def _rounded(value: float) -> str:
    return f"{value + 0.0:.6e}"  # -0.0 as 0.0
