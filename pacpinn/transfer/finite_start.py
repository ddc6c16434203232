"""A start at which an equation's residuals are finite: outputs near the values that its conditions prescribe."""

from __future__ import annotations

import torch
from torch import Tensor

from pacpinn.networks.heads import last_module
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.tasks.task import LeastSquaresTask, Task

_POINTS = 4096  # at most, so that a solve which cannot fit into memory is refused before any work
_SHARES = (0.3, 0.1, 0.03, 0.01, 0.0)  # of the last layer's weights, for smaller outputs


def finite_start(masked: MaskedNetwork, z: Tensor, task: Task) -> Tensor:
    """Free weights `z` ``(p,)``, with a smaller last layer if the residuals of `task` are not finite there.

    Outputs of zero are the values that conditions prescribe, where an equation with roots or powers has a meaning. If
    no size of the last layer helps, `z` as it is: the solver says where residuals are not finite.
    """
    if has_finite_residuals(masked, z, task):
        return z
    last = last_module(masked.network)
    of_last = [torch.full(shape, name.startswith(f"{last}.")).flatten() for name, shape in masked.shapes.items()]
    shrunk = torch.cat(of_last).to(masked.free.device)[masked.free]
    smaller = (torch.where(shrunk, share * z, z) for share in _SHARES)
    return next((each for each in smaller if has_finite_residuals(masked, each, task)), z)


def has_finite_residuals(masked: MaskedNetwork, z: Tensor, task: Task) -> bool:
    """Whether all residuals of `task` are finite at free weights `z` ``(p,)``; true for tasks without residuals.

    They are evaluated on all training points, or on a few thousand if there are more.
    """
    if not isinstance(task, LeastSquaresTask):
        return True
    few = task.few(_POINTS) if task.size > _POINTS else None
    blocks = task.residuals(masked.forward(z), task.everything() if few is None else few)
    return all(bool(torch.isfinite(block.values).all()) for block in blocks)
