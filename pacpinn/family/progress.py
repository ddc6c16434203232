"""What the `progress` callback is told while a family is being solved."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pacpinn.continuation.solution import Solution
from pacpinn.solvers.base import Report
from pacpinn.tasks.coefficient import Coefficients

Stage = Literal["fit", "allocate", "calibrate"]


@dataclass(frozen=True)
class Progress:
    """The state of a solve: passed to the `progress` callback at every step, and when a member is solved.

    Attributes:
        stage: ``"fit"`` and ``"allocate"`` for the source, ``"calibrate"`` for a target.
        coefficients: the task that is being solved.
        step, loss: of the solver.
        solution: the solved member; None while the solver runs.
    """

    stage: Stage
    coefficients: Coefficients
    step: int
    loss: float
    solution: Solution | None = None


ProgressCallback = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """A callback that does nothing."""


def ended(stage: Stage, solution: Solution) -> Progress:
    """The progress of a solved member: its last step and loss; NaN if the solver took no step."""
    loss = solution.history[-1] if solution.history else math.nan
    return Progress(stage, solution.coefficients, solution.steps, loss, solution)


def reporter(progress: ProgressCallback, stage: Stage, c: Coefficients) -> Report:
    """A function for a solver to call with step and loss, which calls `progress`."""

    def report(step: int, loss: float) -> None:  # whatever the callback returns
        progress(Progress(stage, c, step, loss))

    return report
