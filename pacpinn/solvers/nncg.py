"""NysNewton-CG on the free weights: DeepXDE's own, on all data at once."""

from __future__ import annotations

import contextlib
import io
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pacpinn.isolation import defaults, untouched
from pacpinn.objective import Objective
from pacpinn.solvers.base import Report, Result, Status, require_finite, silent

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NNCG:
    """Newton steps by conjugate gradients with a Nyström preconditioner (Rathore et al. 2024, arXiv:2402.01868).

    DeepXDE's implementation, with Armijo's line search. It is meant to go on where Adam and L-BFGS have ended, as in
    ``solver=["adam", "lbfgs", "nncg"]``: far from a minimum, where the Hessian is indefinite, a step may lead nowhere,
    and that ends the solve.

    Args:
        steps: Newton steps at most.
        damping: added to the Hessian's diagonal.
        rank: of the preconditioner at most; a Hessian that does not let it factorise is given a lower one.
        refresh: steps between two preconditioners.
        cg_steps: conjugate-gradient steps for each Newton step at most; each costs a Hessian-vector product.
        cg_tolerance: norm of the linear system's residual at which they end.
    """

    steps: int = 500
    damping: float = 1e-2
    rank: int = 50
    refresh: int = 20
    cg_steps: int = 200
    cg_tolerance: float = 1e-12

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        began = time.perf_counter()
        batch = objective.task.everything()
        z = z.detach().clone().requires_grad_()
        optimizer = self._optimizer(z)
        evaluations = 0

        def closure() -> Tensor:
            nonlocal evaluations
            evaluations += 1
            loss = objective.penalised(z, batch)
            return torch.where(loss.isnan(), torch.inf, loss)  # the line search takes NaN for a good step

        first = objective.penalised(z, batch).detach()
        require_finite(objective, first, z)
        best, history = z.detach().clone(), [float(first)]
        status = Status.CONVERGED if objective.solved(z, history[-1]) else Status.MAX_STEPS
        for step in range(1, self.steps + 1):
            if status is not Status.MAX_STEPS:
                break
            with untouched(objective.seed + step), defaults(z.dtype, z.device), _unprinted():
                stepped = _step(optimizer, closure)
            loss = float(closure().detach())
            if not (stepped and loss < float("inf")):
                status = Status.DIVERGED
                break
            if objective.solved(z, loss):
                status = Status.CONVERGED
            elif not loss < history[-1]:
                status = Status.CONVERGED if objective.tolerance is None else Status.STALLED
            if loss < history[-1]:
                best = z.detach().clone()
            history.append(loss)
            report(step, loss)
        return Result(best, status, evaluations, time.perf_counter() - began, history)

    def _optimizer(self, z: Tensor) -> Any:
        from pacpinn.backend import dde  # here, so that fitting data by another solver does not wait for DeepXDE

        rank = min(self.rank, len(z))
        return dde.optimizers.pytorch.nncg.NNCG(
            [z],
            rank=rank,
            mu=self.damping,
            update_freq=self.refresh,
            chunk_size=rank,
            cg_tol=self.cg_tolerance,
            cg_max_iters=self.cg_steps,
            line_search_fn="armijo",
        )


def _step(optimizer: Any, closure: Callable[[], Tensor]) -> bool:
    """One Newton step, by a preconditioner of as high a rank as can be factorised; False if none can be."""
    while optimizer.rank:
        try:
            optimizer.step(closure)
            return True
        except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
            optimizer.rank //= 2
    return False


@contextlib.contextmanager
def _unprinted() -> Iterator[None]:
    """Send what DeepXDE prints to the log, and torch's warning about how it takes the loss nowhere."""
    with contextlib.redirect_stdout(io.StringIO()) as printed, warnings.catch_warnings(action="ignore"):
        yield
    for line in printed.getvalue().splitlines():
        log.debug(line)
