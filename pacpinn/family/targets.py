"""Targets as a user gives them: checked, and equal ones taken once."""

from __future__ import annotations

import itertools
import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pacpinn.errors import CoefficientError
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem

log = logging.getLogger(__name__)

CoefficientValues = Mapping[str, Any]

_CELLS = 1e6  # for each e-fold of a value: a cell is far wider than the difference of equal values
_DIFFERENCE = 2e-9  # relative, of equal values, with a margin
_SMALLEST = 1e-290  # all smaller sizes are in one cell


def distinct(
    problem: Problem, targets: Iterable[CoefficientValues], source: Coefficients, known: Sequence[Coefficients]
) -> list[Coefficients]:
    """Checked targets, of equal ones the first, without those that are `known` already.

    Raises:
        CoefficientError: if there are none, or one is not a mapping of this problem's coefficients.
    """
    if isinstance(targets, Mapping):
        raise CoefficientError(f"targets={targets} is one mapping; expected a list of them, such as [{targets}]")
    checked = [problem.at(values, base=source) for values in targets]
    if not checked:
        raise CoefficientError(
            f"no targets given for {problem.name}; expected at least one, such as "
            + ", ".join(f"{name}={each.default:g}" for name, each in list(problem.coefficients.items())[:1])
        )
    new, index = [], CoefficientIndex(known)
    for c in checked:
        if index.find(c) is None:
            new.append(c)
        else:
            log.warning("%s is there already: left out of the targets", c)
        index.add(c)
    return new


class CoefficientIndex:
    """Finds coefficients that are equal to a relative 1e-9 without comparing with all entries.

    A key holds the rounded logarithm of each value. Equal values have the same, or neighbouring ones.
    """

    def __init__(self, entries: Iterable[Coefficients] = ()) -> None:
        self._count = 0
        self._entries: dict[tuple[int, ...], list[Coefficients]] = defaultdict(list)
        for c in entries:
            self.add(c)

    def __len__(self) -> int:
        return self._count

    def add(self, c: Coefficients) -> None:
        """Add an entry."""
        self._entries[tuple(_cell(value) for value in c.values())].append(c)
        self._count += 1

    def find(self, c: Coefficients) -> Coefficients | None:
        """An entry that is equal to `c` (:meth:`Coefficients.close_to`); None if there is none."""
        keys = itertools.product(*({_cell(v * (1 - _DIFFERENCE)), _cell(v * (1 + _DIFFERENCE))} for v in c.values()))
        return next((each for key in keys for each in self._entries.get(key, ()) if each.close_to(c)), None)


def _cell(value: float) -> int:
    return math.floor(_CELLS * math.log(max(abs(value), _SMALLEST)))
