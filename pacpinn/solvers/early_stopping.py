"""Early stopping: the weights that were best on what training does not see, and when to stop looking for better."""

from __future__ import annotations

import torch
from torch import Tensor

from pacpinn.errors import SolverError
from pacpinn.networks.objective import Objective


class EarlyStopping:
    """Remembers the best weights by the task's validation loss (Prechelt, "Early stopping -- but when?", 1998).

    Args:
        objective: what is minimised; its task has a validation loss.
        patience: how many looks in turn may show nothing better.
        start: the weights ``(p,)`` to begin with, which count as a first look.

    Raises:
        SolverError: if the task has no validation loss, or for a patience below 1.
    """

    def __init__(self, objective: Objective, patience: int, start: Tensor) -> None:
        if patience < 1:
            raise SolverError(f"patience={patience}; expected 1 or more passes through the data, or None")
        self._objective = objective
        self._patience = patience
        self._lowest = float("inf")
        self._looks = 0  # since the best
        self._keep(start)
        self.look(start)

    @property
    def over(self) -> bool:
        """Whether patience is at its end."""
        return self._looks >= self._patience

    def look(self, z: Tensor) -> None:
        """See whether the weights `z` ``(p,)`` are better than any before."""
        loss = self._objective.validation(z)
        if loss is None:
            raise SolverError(
                f"patience={self._patience} needs validation data, and {type(self._objective.task).__name__} has none; "
                "set some aside, as Samples.split(..., validation=0.2) does, or leave patience out"
            )
        self._looks += 1
        if loss < self._lowest and bool(torch.isfinite(z).all()):
            self._lowest, self._looks = loss, 0
            self._keep(z)

    def best(self) -> Tensor:
        """The best weights ``(p,)``, the network's statistics set back to what they were with them."""
        for name, buffer in self._objective.masked.network.named_buffers():
            buffer.copy_(self._buffers[name])
        return self._best

    def _keep(self, z: Tensor) -> None:
        self._best = z.detach().clone()
        self._buffers = {name: each.clone() for name, each in self._objective.masked.network.named_buffers()}
