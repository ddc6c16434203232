"""L-BFGS on the free weights: torch's own, on all data at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Report, Result, silent
from pacpinn.solvers.full_batch import Closure, minimise_full_batch
from pacpinn.solvers.memory_estimate import Footprint

_CHUNK = 20  # iterations between two checks of the tolerance


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS with strong Wolfe line search (Liu & Nocedal 1989), torch's own as in DeepXDE.

    Args:
        steps: iterations at most.
        history_size: number of past updates that approximate the Hessian; DeepXDE keeps 100.
    """

    steps: int = 2000
    history_size: int = 50

    def bytes_needed(self, footprint: Footprint) -> float:
        """The gradient and the past updates."""
        return footprint.gradient_bytes + 2 * 8 * self.history_size * footprint.weights

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        def optimiser(z: Tensor, loss: Closure) -> Callable[[int], bool]:
            lbfgs = torch.optim.LBFGS(
                [z], history_size=self.history_size, tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe"
            )

            def closure() -> Tensor:
                lbfgs.zero_grad()
                value = loss()
                value.backward()
                return value

            def advance(count: int) -> bool:
                lbfgs.param_groups[0]["max_iter"] = count
                lbfgs.step(closure)
                return True

            return advance

        return minimise_full_batch(objective, z, optimiser, self.steps, _CHUNK, report)
