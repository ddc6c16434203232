"""Where steps are taken: one after the other in this process, or wherever another pool sends them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from pacpinn.continuation.step_control import StepResult
from pacpinn.solvers.base import Report
from pacpinn.sweep.tree_step import StepContext, TargetStart, take_step
from pacpinn.tasks.coefficient import Coefficients


class Finished(NamedTuple):
    """A step that has finished: its number, and one result for each of its targets."""

    number: int
    results: Sequence[StepResult]


class Pool(Protocol):
    """Takes steps, and returns their results in the order in which they finish."""

    @property
    def room(self) -> int:
        """How many more steps can be submitted now."""

    def submit(self, number: int, starts: Sequence[TargetStart]) -> None:
        """Accept a step; of waiting steps the one with the least number is taken first."""

    def next(self) -> Finished:
        """Wait for a step to finish."""


PoolOf = Callable[[StepContext], Pool]


class SerialPool:
    """This process: it holds one step, which is taken when its result is asked for.

    Args:
        context: what all steps share.
        reporter: gives for a target the function that is called with step and loss.
    """

    def __init__(self, context: StepContext, reporter: Callable[[Coefficients], Report]) -> None:
        self._context, self._reporter = context, reporter
        self._waiting: deque[tuple[int, Sequence[TargetStart]]] = deque()

    @property
    def room(self) -> int:
        return 1 - len(self._waiting)

    def submit(self, number: int, starts: Sequence[TargetStart]) -> None:
        self._waiting.append((number, starts))

    def next(self) -> Finished:
        number, starts = self._waiting.popleft()
        return Finished(number, take_step(self._context, starts, self._reporter(starts[0][1])))
