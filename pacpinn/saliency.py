"""Which weights matter to a task, by what the loss would gain without them."""

from __future__ import annotations

import torch
from torch import Tensor

from pacpinn.masked import MaskedNetwork
from pacpinn.objective import Objective
from pacpinn.task import Task


def saliency(masked: MaskedNetwork, task: Task) -> Tensor:
    """``w² diag(JᵀJ)`` ``(P,)``: to second order, what the loss gains if each weight alone is set to zero.

    At a minimum the gradient is zero and ``JᵀJ`` is the Hessian's Gauss-Newton part (LeCun, Denker & Solla 1990,
    eq. 5, whose diagonal approximation this is).

    Raises:
        SolverError: if the task has no residuals.
    """
    return masked.weights**2 * gauss_newton_diagonal(masked, task)


def gauss_newton_diagonal(masked: MaskedNetwork, task: Task) -> Tensor:
    """``diag(JᵀJ)`` ``(P,)`` of all weights, free or not, as a mean over the task's batches.

    Raises:
        SolverError: if the task has no residuals.
    """
    everything = masked.with_mask(None, masked.frozen_buffers)
    objective, z = Objective(task, everything), everything.start[None]
    squares, batches = torch.zeros_like(everything.weights, dtype=torch.float64), 0
    for batch in task.batches(seed=0):
        here = objective.linearised_on(batch, z)
        squares += here.jacobian[0].square().sum(0) if here.factored is None else here.factored.squares()
        batches += 1
    return squares / batches
