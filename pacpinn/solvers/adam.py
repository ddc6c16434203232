"""Adam on the free weights: many cheap steps over mini-batches, for data and for large networks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from pacpinn.networks.objective import Objective
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Report, Result, Status, require_finite, silent
from pacpinn.solvers.early_stopping import EarlyStopping
from pacpinn.solvers.memory_estimate import Footprint
from pacpinn.tasks.task import Batch


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015) with a learning rate that falls to zero along a cosine.

    torch's own, which is what DeepXDE's ``"adam"`` is too.

    A task with a tolerance converges when a step's residual reaches it; one without, when all steps are done, or with
    a patience when that ends.

    Args:
        steps: number of steps, each on one batch.
        learning_rate: its first value.
        patience: stop after so many passes through the data without a lower validation loss, and return the weights
            with the lowest; the task must have validation data. None, the default, takes all steps.
    """

    steps: int = 2000
    learning_rate: float = 3e-3
    patience: int | None = None

    @property
    def needs_validation(self) -> bool:
        """Whether it stops by validation data."""
        return self.patience is not None

    def bytes_needed(self, footprint: Footprint) -> float:
        """One forward and backward pass."""
        return 2.5 * footprint.points * footprint.pass_bytes

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        began = time.perf_counter()
        z = z.detach().clone().requires_grad_()
        optimizer = torch.optim.Adam([z], lr=self.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(self.steps, 1))
        status = Status.MAX_STEPS if objective.tolerance is not None else Status.CONVERGED
        history: list[float] = []
        best = z.detach().clone()
        stopping = None if self.patience is None else EarlyStopping(objective, self.patience, z)
        with untouched(objective.seed):  # dropout draws from torch's own stream
            for step, batch in zip(range(1, self.steps + 1), _passes(objective, z, stopping), strict=False):
                optimizer.zero_grad()
                loss = objective.penalised(z, batch, training=True)
                if step == 1:
                    require_finite(objective, loss, z)
                if not torch.isfinite(loss):
                    status = Status.DIVERGED
                    break
                best = z.detach().clone()
                loss.backward()
                optimizer.step()
                schedule.step()
                history.append(float(loss.detach()))
                report(step, history[-1])
                if objective.solved(best, history[-1]):
                    status, stopping = Status.CONVERGED, None
                    break
            else:
                if not torch.isfinite(z).all():
                    status = Status.DIVERGED
                elif stopping is None:
                    best = z.detach()
                elif stopping.over and objective.tolerance is not None:
                    status = Status.STALLED
                else:
                    stopping.look(z)  # the last pass may not be whole
        if stopping is not None:
            best = stopping.best()
        return Result(best, status, len(history), time.perf_counter() - began, history)


def _passes(objective: Objective, z: Tensor, stopping: EarlyStopping | None) -> Iterator[Batch]:
    """Batches of one pass through the data after the other, until `stopping` has seen enough of `z`, which moves on."""
    seed = objective.seed
    while stopping is None or not stopping.over:
        yield from objective.task.batches(seed)
        seed += 1
        if stopping is not None:
            stopping.look(z)
