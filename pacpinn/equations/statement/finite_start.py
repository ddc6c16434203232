"""A solve starts from numbers: else the first point where it does not is named, with the outputs there."""

from __future__ import annotations

import torch

from pacpinn.equations.collocation import Collocation, named_point
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.statement.prescribed import require_numbers
from pacpinn.errors import ResidualError
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched
from pacpinn.runtime.user_code import place_of
from pacpinn.tasks.task import Block, Forward

_POINTS = 4096  # at most: memory is checked later


def require_finite_start(task: EquationTask, network: Forward) -> None:
    """Refuse residuals that are NaN or infinite at a training point of a cold start's first task.

    Args:
        task: the first task of a cold start.
        network: from which it starts, in the task's dtype.

    Raises:
        ResidualError: with the first such point, and the outputs there.
    """
    with untouched(0):
        batch = task.everything() if task.size <= _POINTS else task.few(_POINTS) or task.everything()
        with deepxde_defaults(task.dtype, task.device):
            require_numbers(task.equation, batch)
        for block in task.residuals(network, batch):
            _require_finite(task, network, batch, block)


def _require_finite(task: EquationTask, network: Forward, batch: Collocation, block: Block) -> None:
    bad = torch.nonzero(~torch.isfinite(block.values.detach().flatten()))[:, 0].tolist()
    if not bad:
        return
    equation, where = task.equation, ""
    if block.rows is not None:
        x = batch.points[int(block.rows[bad[0], 0])]
        values = ", ".join(
            f"{name} = {value:.4g}"
            for name, value in zip(equation.outputs, task.predict(network, x[None])[0], strict=True)
        )
        where = f", the first at {named_point(equation.inputs, x)}, where the initial network has {values}"
    part = "residual" if block.name.startswith("residual") else "conditions"
    raise ResidualError(
        f"the {block.name} of {equation.name} at {task.coefficients} is not finite at {len(bad)} of "
        f"{block.values.numel()} points before the first step{where}; expected numbers: look for a division by zero, a "
        "root or a logarithm outside its domain, a large exponential. An output that must stay positive does so by a "
        f"transform, as in torch.exp(y){place_of(equation.stated(part))}"
    )
