"""Find coefficients that are equal to a relative 1e-9, without comparing with all of them."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable

from pacpinn.tasks.coefficient import Coefficients

_CELLS = 1e6  # in each e-fold of a value: a cell is a thousand times as wide as what passes for equal
_TOLERANCE = 2e-9  # more than the relative difference of equal values
_ZERO = 1e-300  # values that are no larger pass for zero

Cell = tuple[float, int]  # sign and rounded logarithm


class CoefficientIndex:
    """Coefficients of the same names, found by value: the key of a cell is the rounded logarithm of each value.

    Equal coefficients lie in one cell or, near its edge, in the next one.

    Args:
        cs: the first entries.
    """

    def __init__(self, cs: Iterable[Coefficients] = ()) -> None:
        self._entries: list[Coefficients] = []
        self._cells: dict[tuple[Cell, ...], list[int]] = defaultdict(list)
        for c in cs:
            self.add(c)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, c: Coefficients) -> None:
        """Add an entry."""
        self._cells[tuple(_cell(value) for value in c.values())].append(len(self._entries))
        self._entries.append(c)

    def find(self, c: Coefficients) -> Coefficients | None:
        """The first entry that is close to `c`; None if there is none."""
        keys = itertools.product(*(_cells_near(value) for value in c.values()))
        numbers = sorted(number for key in keys for number in self._cells.get(key, ()))
        return next((self._entries[k] for k in numbers if self._entries[k].close_to(c)), None)


def _cell(value: float) -> Cell:
    if abs(value) <= _ZERO:
        return 0.0, 0
    return math.copysign(1.0, value), math.floor(_CELLS * math.log(abs(value)))


def _cells_near(value: float) -> set[Cell]:
    """The cells of all values that are equal to this one."""
    width = max(_TOLERANCE * abs(value), 2 * _ZERO)
    return {_cell(value - width), _cell(value), _cell(value + width)}
