"""Adam on the free weights: many cheap steps over mini-batches, for data and large networks; early stopping."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from pacpinn.errors import SolverError
from pacpinn.networks.objective import Objective
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Report, Result, Status, require_finite, silent
from pacpinn.solvers.memory_estimate import Footprint
from pacpinn.tasks.task import Batch


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015), torch's own as in DeepXDE, with a learning rate that falls to zero along a cosine.

    A task with a tolerance has converged when a step's residual reaches it. A task without one has converged when all
    steps are done, or when `patience` ends the solve.

    Args:
        steps: number of steps, each on one batch.
        learning_rate: its first value.
        patience: stop after so many passes through the data without a lower validation loss, and return the weights
            with the lowest; the task must have validation data. None takes all steps.
    """

    steps: int = 2000
    learning_rate: float = 3e-3
    patience: int | None = None

    @property
    def needs_validation(self) -> bool:
        """Whether it stops by validation data."""
        return self.patience is not None

    def bytes_needed(self, footprint: Footprint) -> float:
        """The gradient of the largest batch, all points at most."""
        return footprint.gradient_bytes

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        began = time.perf_counter()
        descent = _Descent(objective, z, self.steps, self.learning_rate)
        stopping = None if self.patience is None else EarlyStopping(objective, self.patience, descent.z)
        with untouched(objective.seed):  # dropout draws from torch's own stream
            ended = descent.run(islice(_passes(objective, descent.z, stopping), self.steps), report)
            status = ended or _status_at_end(objective, stopping)
            if stopping is not None and ended is None and not stopping.over:
                stopping.look(descent.z)  # the last pass may be incomplete
        best = descent.best if stopping is None or ended is Status.CONVERGED else stopping.best()
        return Result(best, status, len(descent.history), time.perf_counter() - began, descent.history)


class _Descent:
    def __init__(self, objective: Objective, z: Tensor, steps: int, learning_rate: float) -> None:
        self.objective = objective
        self.z = z.detach().clone().requires_grad_()  # every step changes it in place
        self.best = z.detach().clone()  # the latest weights with a finite loss
        self.history: list[float] = []  # the loss before each step
        self._optimizer = torch.optim.Adam([self.z], lr=learning_rate)
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimizer, T_max=max(steps, 1))

    def run(self, batches: Iterator[Batch], report: Report) -> Status | None:
        """Take a step on each batch, until `z` meets the tolerance or diverges; None if it does neither."""
        for batch in batches:
            self._optimizer.zero_grad()
            loss = self.objective.penalised(self.z, batch, training=True)
            if not self.history:
                require_finite(self.objective, loss, self.z)
            if not torch.isfinite(loss):
                return Status.DIVERGED
            self.best = self.z.detach().clone()
            loss.backward()
            self._optimizer.step()
            self._schedule.step()
            self.history.append(float(loss.detach()))
            ending = report(len(self.history), self.history[-1])
            if self.objective.solved(self.best, self.history[-1]):
                return Status.CONVERGED
            if ending:
                break
        if not torch.isfinite(self.z).all():
            return Status.DIVERGED
        self.best = self.z.detach()
        return None


class EarlyStopping:
    """Keeps the weights of least validation loss (Prechelt, "Early stopping -- but when?", 1998).

    The solve is over after `patience` looks in turn without a lower loss. `start` ``(p,)`` gets a first look.
    """

    def __init__(self, objective: Objective, patience: int, start: Tensor) -> None:
        if patience < 1:
            raise SolverError(f"patience={patience}; expected 1 or more passes through the data, or None")
        self._objective, self._patience = objective, patience
        self._lowest, self._looks = float("inf"), 0  # looks since the lowest loss
        self._keep(start)
        self.look(start)

    @property
    def over(self) -> bool:
        return self._looks >= self._patience

    def look(self, z: Tensor) -> None:
        """Evaluate the validation loss at `z` ``(p,)``, and keep these weights if it is the lowest so far."""
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


def _status_at_end(objective: Objective, stopping: EarlyStopping | None) -> Status:
    if objective.tolerance is None:
        return Status.CONVERGED
    return Status.STALLED if stopping is not None and stopping.over else Status.MAX_STEPS


def _passes(objective: Objective, z: Tensor, stopping: EarlyStopping | None) -> Iterator[Batch]:
    """The batches of one pass through the data after the other, until `stopping` ends them by the present `z`."""
    seed = objective.seed
    while stopping is None or not stopping.over:
        yield from objective.task.batches(seed)
        seed += 1
        if stopping is not None:
            stopping.look(z)
