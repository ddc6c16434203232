"""The loop around optimisers that work on all data at once: a few steps at a time until solved, at rest or diverged."""

from __future__ import annotations

import time
from collections.abc import Callable

from torch import Tensor

from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Report, Result, Status, at_rest, require_finite

Closure = Callable[[], Tensor]
Optimiser = Callable[[Tensor, Closure], Callable[[int], bool]]


def minimise_full_batch(
    objective: Objective, z: Tensor, optimiser: Optimiser, steps: int, chunk: int, report: Report
) -> Result:
    """Minimise the objective from `z` ``(p,)``, and return the best point found.

    `optimiser` is given the weights, to be changed in place, and a function that evaluates the objective there. It
    returns a function that takes as many steps as it is told, and returns False if it could not. The tolerance is
    checked every `chunk` of the `steps`.
    """
    began = time.perf_counter()
    batch = objective.task.everything()
    z = z.detach().clone().requires_grad_()
    evaluations = 0

    def closure() -> Tensor:
        nonlocal evaluations
        evaluations += 1
        return objective.penalised(z, batch)

    advance = optimiser(z, closure)
    first = objective.penalised(z, batch).detach()
    require_finite(objective, first, z)
    best, history = z.detach().clone(), [float(first)]
    ended = Status.CONVERGED if objective.solved(z, history[-1]) else None
    done = 0
    while ended is None and done < steps:
        advanced = advance(min(chunk, steps - done))
        done = min(done + chunk, steps)
        loss = float(objective.penalised(z, batch).detach())
        if not (advanced and loss < float("inf")):
            ended = Status.DIVERGED
            break
        ended = _ended(objective, z, loss, history[-1])
        if loss < history[-1]:
            best = z.detach().clone()
        history.append(loss)
        if report(done, loss):
            break
    return Result(best, ended or Status.MAX_STEPS, evaluations, time.perf_counter() - began, history)


def _ended(objective: Objective, z: Tensor, loss: float, before: float) -> Status | None:
    """The status of a solve whose loss went from `before` to `loss`, at `z`; None if it goes on."""
    if objective.solved(z, loss):
        return Status.CONVERGED
    return None if loss < before else at_rest(objective)
