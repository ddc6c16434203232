"""L-BFGS on the free weights: torch's own, on all data at once."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from pacpinn.objective import Objective
from pacpinn.solvers.base import Report, Result, Status, require_finite, silent
from pacpinn.solvers.footprint import Footprint

_CHUNK = 20  # iterations between two looks at the tolerance


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS with strong Wolfe line search (Liu & Nocedal 1989).

    torch's own, which is what DeepXDE's ``"L-BFGS"`` is too (there with 100 past updates).

    Args:
        steps: iterations at most.
        history_size: number of past updates that approximate the Hessian.
    """

    steps: int = 2000
    history_size: int = 50

    def bytes_needed(self, footprint: Footprint) -> float:
        """One forward and backward pass, and the steps that are remembered."""
        return 2.5 * footprint.points * footprint.pass_bytes + 2 * 8 * self.history_size * footprint.weights

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        began = time.perf_counter()
        batch = objective.task.everything()
        z = z.detach().clone().requires_grad_()
        optimizer = torch.optim.LBFGS(
            [z],
            history_size=self.history_size,
            tolerance_grad=0,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        )
        evaluations = 0

        def closure() -> Tensor:
            nonlocal evaluations
            evaluations += 1
            optimizer.zero_grad()
            loss = objective.penalised(z, batch)
            loss.backward()
            return loss

        first = objective.penalised(z, batch).detach()
        require_finite(objective, first, z)
        best, history = z.detach().clone(), [float(first)]
        status = Status.CONVERGED if objective.solved(z, history[-1]) else Status.MAX_STEPS
        done = 0
        while done < self.steps and status is Status.MAX_STEPS:
            chunk = min(_CHUNK, self.steps - done)
            optimizer.param_groups[0]["max_iter"] = chunk
            optimizer.step(closure)
            done += chunk
            loss = float(objective.penalised(z, batch).detach())
            if not loss < float("inf"):
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
