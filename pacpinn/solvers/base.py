"""The interface of a solver: its call, the result and the status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

import torch
from torch import Tensor

from pacpinn.errors import ResidualError
from pacpinn.networks.objective import Objective
from pacpinn.tasks.task import LeastSquaresTask

Report = Callable[[int, float], bool | None]  # of step and loss; a solver ends if it is True


def silent(step: int, loss: float) -> None:
    """Report nothing."""


class Status(StrEnum):
    """How a solve ended."""

    CONVERGED = "converged"
    STALLED = "stalled"
    MAX_STEPS = "max_steps"
    DIVERGED = "diverged"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """The result of a solve.

    Attributes:
        z: the best free weights found ``(p,)``; always finite.
        status: how the solve ended.
        steps: evaluations of the objective, also for rejected trial steps.
        seconds: wall-clock time.
        history: loss after each step.
        error_estimate, error_bound: of the solution's relative error, as of
            :class:`~pacpinn.networks.error_estimate.ErrorEstimate`; None where no residual tells it.
    """

    z: Tensor
    status: Status
    steps: int
    seconds: float
    history: list[float] = field(default_factory=list)
    error_estimate: float | None = None
    error_bound: float | None = None

    @classmethod
    def joined(cls, results: Sequence[Result]) -> Result:
        """Solves in turn as one result: all of the last, but the steps, seconds and histories of all together."""
        steps, seconds = sum(result.steps for result in results), sum(result.seconds for result in results)
        history = [loss for result in results for loss in result.history]
        return replace(results[-1], steps=steps, seconds=seconds, history=history)


class Solver(Protocol):
    """A configured solver: minimises an objective over its free weights."""

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        """Start at `z` ``(p,)`` and return the best point found."""


def at_rest(objective: Objective) -> Status:
    """The status of a solve whose loss falls no further, without the tolerance being met."""
    return Status.CONVERGED if objective.tolerance is None else Status.STALLED


def require_finite(objective: Objective, loss: Tensor, z: Tensor) -> None:
    """Raise :class:`ResidualError` if the `loss` at the start `z` is not finite; it names the residual block."""
    if torch.isfinite(loss):
        return
    if isinstance(objective.task, LeastSquaresTask):
        objective.linearise(z.detach()[None]).require_finite()
    raise ResidualError(
        f"the loss of {type(objective.task).__name__} at {objective.task.coefficients} is {float(loss.detach())} "
        "before the first step; expected a finite number: look for NaN or infinity in the data and in the start"
    )
