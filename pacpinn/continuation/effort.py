"""Effort: the steps or seconds after which a solve that fails is not tried in another way."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from typing import Literal, NamedTuple

from pacpinn.errors import PacpinnError
from pacpinn.solvers.base import Report, Result

_TEXT = re.compile(r"\s*([0-9.]+(?:e[+-]?\d+)?)\s*(s|)\s*", re.IGNORECASE)


class Effort(NamedTuple):
    """A limit to the steps, or to the seconds, of all tries together.

    Once it is used up, no further try begins; seconds end the try that is going on, too.

    Example:
        >>> Effort.of("90s")
        Effort(limit=90.0, unit='seconds')
    """

    limit: float
    unit: Literal["steps", "seconds"] = "steps"

    @classmethod
    def of(cls, stated: int | float | str) -> Effort:
        """The effort that a user states: steps, as 2000 or ``"2000"``; or seconds, as ``"90 s"``.

        Raises:
            PacpinnError: for anything else, and for a limit that is negative, not finite or no whole number of steps.
        """
        text = _TEXT.fullmatch(str(stated))
        try:
            effort = text and cls(float(text[1]), "seconds" if text[2] else "steps")
        except ValueError:  # more than one point
            effort = None
        if not effort or math.isinf(effort.limit) or (effort.unit == "steps" and effort.limit % 1):
            raise PacpinnError(f"effort={stated!r}; expected a number of steps, as 2000, or of seconds, as '90 s'")
        return effort

    @property
    def stated(self) -> int | str:
        """The shortest form in which a user states it."""
        return int(self.limit) if self.unit == "steps" else f"{self.limit:g} s"

    def used_up(self, results: Iterable[Result], elsewhere: Iterable[Result] = ()) -> bool:
        """Whether the results took as much together. Those from `elsewhere`, other coefficients, count in seconds."""
        return self._of([*results, *(elsewhere if self.unit == "seconds" else ())]) >= self.limit

    def ending(self, report: Report, results: Iterable[Result], elsewhere: Iterable[Result] = ()) -> Report:
        """A report that ends a solver once its seconds and those of the results before it use the effort up."""
        if self.unit == "steps":
            return report
        left, began = self.limit - self._of([*results, *elsewhere]), time.perf_counter()

        def reported(step: int, loss: float) -> bool:
            report(step, loss)
            return time.perf_counter() - began >= left

        return reported

    def _of(self, results: Iterable[Result]) -> float:
        return float(sum(getattr(each, self.unit) for each in results))
