"""Early stopping: keep the weights of least validation loss, and stop when the loss falls no further."""

from __future__ import annotations

import torch
from torch import Tensor

from pacpinn.errors import SolverError
from pacpinn.networks.objective import Objective


class EarlyStopping:
    """Keeps the weights of least validation loss (Prechelt, "Early stopping -- but when?", 1998).

    Args:
        objective: what is minimised; its task must have a validation loss.
        patience: after so many looks in turn without a lower loss, the solve is over.
        start: the first weights ``(p,)``, which get a first look.

    Raises:
        SolverError: for a task without validation loss, or a patience below 1.
    """

    def __init__(self, objective: Objective, patience: int, start: Tensor) -> None:
        if patience < 1:
            raise SolverError(f"patience={patience}; expected 1 or more passes through the data, or None")
        self._objective = objective
        self._patience = patience
        self._lowest = float("inf")
        self._looks = 0  # since the lowest loss
        self._keep(start)
        self.look(start)

    @property
    def over(self) -> bool:
        """Whether the latest `patience` looks showed no lower loss."""
        return self._looks >= self._patience

    def look(self, z: Tensor) -> None:
        """Evaluate the validation loss of the weights `z` ``(p,)``, and keep them if it is the lowest so far."""
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
        """The best weights ``(p,)``; sets the network's buffers back to their values at these weights."""
        for name, buffer in self._objective.masked.network.named_buffers():
            buffer.copy_(self._buffers[name])
        return self._best

    def _keep(self, z: Tensor) -> None:
        self._best = z.detach().clone()
        self._buffers = {name: buffer.clone() for name, buffer in self._objective.masked.network.named_buffers()}
