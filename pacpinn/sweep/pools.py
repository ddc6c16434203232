"""Where steps are taken: in this process one after the other, or wherever a pool sends them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from pacpinn.solvers.base import Report
from pacpinn.sweep.tree_step import StepContext, StepResult, TargetStart, take_step
from pacpinn.tasks.coefficient import Coefficients


class Finished(NamedTuple):
    """A step that has come back.

    Attributes:
        number: which.
        taken: its targets.
    """

    number: int
    taken: Sequence[StepResult]


class Pool(Protocol):
    """Takes steps and gives them back in whatever order they finish."""

    @property
    def room(self) -> int:
        """How many more steps it would take now."""

    def submit(self, number: int, starts: Sequence[TargetStart]) -> None:
        """Take a step; of those that wait, the one with the least number comes first."""

    def next(self) -> Finished:
        """Wait for a step to finish."""


class SerialPool:
    """This process: a step is taken when it is asked for.

    Args:
        ground: what all steps share.
        reporter: gives for a target what is called with step and loss.
    """

    def __init__(self, ground: StepContext, reporter: Callable[[Coefficients], Report]) -> None:
        self._ground, self._reporter = ground, reporter
        self._waiting: deque[tuple[int, Sequence[TargetStart]]] = deque()

    @property
    def room(self) -> int:
        return 1 - len(self._waiting)

    def submit(self, number: int, starts: Sequence[TargetStart]) -> None:
        self._waiting.append((number, starts))

    def next(self) -> Finished:
        number, starts = self._waiting.popleft()
        return Finished(number, take_step(self._ground, starts, self._reporter(starts[0][1])))
