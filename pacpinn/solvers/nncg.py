"""NysNewton-CG on the free weights: DeepXDE's own, on all data at once."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch
from torch import Tensor

from pacpinn.networks.objective import Objective
from pacpinn.runtime.isolation import defaults, untouched
from pacpinn.solvers.base import Report, Result, silent
from pacpinn.solvers.full_batch import Closure, minimise_full_batch

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
        def optimiser(z: Tensor, loss: Closure) -> Callable[[int], bool]:
            nncg = self._optimizer(z)
            steps = count(objective.seed + 1)

            def closure() -> Tensor:
                found = loss()
                return torch.where(found.isnan(), torch.inf, found)  # the line search takes NaN for a good step

            def advance(some: int) -> bool:
                with untouched(next(steps)), defaults(z.dtype, z.device), _unprinted():
                    return _step(nncg, closure)

            return advance

        return minimise_full_batch(objective, z, optimiser, self.steps, 1, report)

    def _optimizer(self, z: Tensor) -> Any:
        from pacpinn.runtime.deepxde_backend import (
            dde,  # here, so that fitting data by another solver does not wait for DeepXDE
        )

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
