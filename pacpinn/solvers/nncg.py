"""NysNewton-CG on the free weights: DeepXDE's implementation, on all data at once."""

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

    DeepXDE's, with Armijo's line search. Use it last, as in ``solver=["adam", "lbfgs", "nncg"]``: far from a minimum
    the Hessian is indefinite, and a step that does not lower the loss ends the solve.

    Args:
        steps: Newton steps at most.
        damping: added to the Hessian's diagonal.
        rank: of the preconditioner at most; if it cannot be factorised, the rank is halved.
        refresh: steps after which the preconditioner is computed anew.
        cg_steps: conjugate-gradient steps for each Newton step at most; each costs a Hessian-vector product.
        cg_tolerance: norm of the linear system's residual at which these steps end.
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
            seeds = count(objective.seed + 1)

            def closure() -> Tensor:
                value = loss()
                return torch.where(value.isnan(), torch.inf, value)  # the line search would accept NaN

            def advance(steps: int) -> bool:
                with untouched(next(seeds)), defaults(z.dtype, z.device), _unprinted():
                    return _step(nncg, closure)

            return advance

        return minimise_full_batch(objective, z, optimiser, self.steps, 1, report)

    def _optimizer(self, z: Tensor) -> Any:
        from pacpinn.runtime.deepxde_backend import dde  # here: other solvers load no DeepXDE

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
    """One Newton step, with a preconditioner of the highest rank that can be factorised; False if there is none."""
    while optimizer.rank:
        try:
            optimizer.step(closure)
            return True
        except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
            optimizer.rank //= 2
    return False


@contextlib.contextmanager
def _unprinted() -> Iterator[None]:
    """Redirect what DeepXDE prints to the log, and ignore torch's warning about how DeepXDE reads the loss."""
    with contextlib.redirect_stdout(io.StringIO()) as printed, warnings.catch_warnings(action="ignore"):
        yield
    for line in printed.getvalue().splitlines():
        log.debug(line)
