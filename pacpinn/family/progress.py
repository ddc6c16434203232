"""What a caller hears while a family is being solved."""

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
    """Where a solve stands: passed to the `progress` callback at every step and when a solve has ended.

    Attributes:
        stage: ``"fit"`` and ``"allocate"`` for the source, ``"calibrate"`` for a target.
        coefficients: which task is being solved.
        step, loss: of the solver.
        solution: the finished member; None while the solver runs.
    """

    stage: Stage
    coefficients: Coefficients
    step: int
    loss: float
    solution: Solution | None = None


ProgressCallback = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """Show no progress."""


def ended(stage: Stage, solution: Solution) -> Progress:
    """A solve has ended."""
    return Progress(stage, solution.coefficients, solution.steps, _last_loss(solution), solution)


def reporter(progress: ProgressCallback, stage: Stage, c: Coefficients) -> Report:
    """What a solver calls with step and loss."""
    return lambda step, loss: progress(Progress(stage, c, step, loss))


def _last_loss(solution: Solution) -> float:
    return solution.history[-1] if solution.history else math.nan
