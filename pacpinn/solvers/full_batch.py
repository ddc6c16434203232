"""The loop around optimisers that work on all data at once: round by round until solved, at rest or astray."""

from __future__ import annotations

import time
from collections.abc import Callable

from torch import Tensor

from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Report, Result, Status, require_finite

Closure = Callable[[], Tensor]


def minimise_full_batch(
    objective: Objective,
    z: Tensor,
    optimiser: Callable[[Tensor, Closure], Callable[[int], bool]],
    steps: int,
    chunk: int,
    report: Report,
) -> Result:
    """Minimise the objective from `z` ``(p,)``, and return the best point found.

    Args:
        objective: what to minimise.
        z: where to start.
        optimiser: given the weights, which it is to change in place, and a function that evaluates the objective
            there, makes a function that takes so many steps and says whether it could.
        steps: at most.
        chunk: steps between two looks at the tolerance.
        report: called with step and loss after each look.
    """
    began = time.perf_counter()
    batch = objective.task.everything()
    z = z.detach().clone().requires_grad_()
    evaluations = 0

    def loss_here() -> Tensor:
        nonlocal evaluations
        evaluations += 1
        return objective.penalised(z, batch)

    advance = optimiser(z, loss_here)
    first = objective.penalised(z, batch).detach()
    require_finite(objective, first, z)
    best, history = z.detach().clone(), [float(first)]
    status = Status.CONVERGED if objective.solved(z, history[-1]) else Status.MAX_STEPS
    done = 0
    while done < steps and status is Status.MAX_STEPS:
        some = min(chunk, steps - done)
        advanced = advance(some)
        done += some
        loss = float(objective.penalised(z, batch).detach())
        if not (advanced and loss < float("inf")):
            status = Status.DIVERGED
            break
        if objective.solved(z, loss):
            status = Status.CONVERGED
        elif not loss < history[-1]:
            status = Status.CONVERGED if objective.tolerance is None else Status.STALLED
        if loss < history[-1]:
            best = z.detach().clone()
        history.append(loss)
        report(done, loss)
    return Result(best, status, evaluations, time.perf_counter() - began, history)
