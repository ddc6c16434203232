"""Fast growth and stiffness of ordinary differential equations, from their linearisation along a solution."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import bounding_box
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.residuals import Residuals
from pacpinn.runtime.deepxde_backend import dde, deepxde_defaults
from pacpinn.tasks.task import Forward

_STEP = 1e-3  # of an output's variation: the shift
_TIMES = 33


class Kinetics(NamedTuple):
    """Rates of a system along a solution, times the length of the time interval.

    Attributes:
        growth: the fastest growth: a small change of the state grows by ``exp(growth)`` at most.
        decay: the fastest decay.
    """

    growth: float
    decay: float

    @classmethod
    def of(cls, task: EquationTask, forward: Forward) -> Kinetics | None:
        """The rates of ``u' = f(t, u)`` along the solution `forward`, from the response of its residuals to shifts.

        None for other equations than systems in time with one residual for each output, and where it is not finite.
        """
        geometry = task.equation.geometry(task.coefficients)
        if not isinstance(geometry, dde.geometry.TimeDomain):
            return None
        low, high = bounding_box(geometry)
        matrix = _responses(task, forward, np.linspace(low[0], high[0], _TIMES)[:, None])
        if matrix.shape[1] != matrix.shape[2] or not np.isfinite(matrix).all():
            return None
        rates = np.linalg.eigvals(-matrix).real * (high[0] - low[0])
        return cls(max(0.0, float(rates.max())), max(0.0, float(-rates.min())))


def _responses(task: EquationTask, forward: Forward, t: np.ndarray) -> np.ndarray:
    """Responses of the residuals to a shift of each output, at times `t` ``(rows, 1)``: ``(rows, residuals, outputs)``.

    A constant shift changes no derivative, so that they are those of ``-f``.
    """
    steps = _STEP * task.equation.sizes_at(task.coefficients).variation
    shifts = torch.diag(steps)
    changes = [_residuals(task, forward, t, shift) - _residuals(task, forward, t, -shift) for shift in shifts]
    return np.stack([each / (2 * float(step)) for each, step in zip(changes, steps, strict=True)], axis=-1)


def _residuals(task: EquationTask, forward: Forward, t: np.ndarray, shift: Tensor) -> np.ndarray:
    formulas = Residuals(task.equation, task.coefficients)
    x = task.tensor(t).requires_grad_()
    with deepxde_defaults(task.dtype, task.device):
        u = formulas.solution(formulas.outputs_of(forward), x) + shift.to(x)
        found = task.equation.residual(x, u, task.coefficients)
    columns: list[Any] = list(found) if isinstance(found, list | tuple) else [found]
    return torch.cat(columns, dim=1).numpy(force=True)
