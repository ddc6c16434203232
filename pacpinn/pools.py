"""Where steps are taken: in this process one after the other, or wherever a pool sends them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from pacpinn.coefficient import Coefficients
from pacpinn.solvers import Report
from pacpinn.steps import Ground, Start, Taken, step


class Finished(NamedTuple):
    """A step that has come back.

    Attributes:
        number: which.
        taken: its targets.
    """

    number: int
    taken: Sequence[Taken]


class Pool(Protocol):
    """Takes steps and gives them back in whatever order they finish."""

    @property
    def room(self) -> int:
        """How many more steps it would take now."""

    def submit(self, number: int, starts: Sequence[Start]) -> None:
        """Take a step; of those that wait, the one with the least number comes first."""

    def next(self) -> Finished:
        """Wait for a step to finish."""


class Here:
    """This process: a step is taken when it is asked for.

    Args:
        ground: what all steps share.
        reporter: gives for a target what is called with step and loss.
    """

    def __init__(self, ground: Ground, reporter: Callable[[Coefficients], Report]) -> None:
        self._ground, self._reporter = ground, reporter
        self._waiting: deque[tuple[int, Sequence[Start]]] = deque()

    @property
    def room(self) -> int:
        return 1 - len(self._waiting)

    def submit(self, number: int, starts: Sequence[Start]) -> None:
        self._waiting.append((number, starts))

    def next(self) -> Finished:
        number, starts = self._waiting.popleft()
        return Finished(number, step(self._ground, starts, self._reporter(starts[0][1])))
