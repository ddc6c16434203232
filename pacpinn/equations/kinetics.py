"""Fast growth and stiffness of ordinary differential equations, from their linearisation along a solution."""

from __future__ import annotations

from math import factorial
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
        """The rates of ``M u' = f(t, u)`` along the solution `forward`: eigenvalues of ``M^-1 df/du``.

        None for other equations than such systems in time, with one residual for each output, and where a rate is not
        finite.
        """
        geometry = task.equation.geometry(task.coefficients)
        if not isinstance(geometry, dde.geometry.TimeDomain):
            return None
        low, high = bounding_box(geometry)
        t = np.linspace(low[0], high[0], _TIMES)[:, None]
        state, slope, curvature = (_responses(task, forward, t, order) for order in range(3))
        if state.shape[1] != state.shape[2] or curvature.any():
            return None
        try:
            rates = np.linalg.eigvals(-np.linalg.solve(slope, state)).real * (high[0] - low[0])
        except np.linalg.LinAlgError:  # an equation without a derivative, or a number that is not finite
            return None
        return cls(max(0.0, float(rates.max())), max(0.0, float(-rates.min()))) if np.isfinite(rates).all() else None


def _responses(task: EquationTask, forward: Forward, t: np.ndarray, order: int) -> np.ndarray:
    """Responses of the residuals ``(rows, residuals, outputs)`` at times `t` ``(rows, 1)`` to a change of each output.

    It changes the derivative of the given `order` by 1 and no other: 0 for the state itself, 1 for its slope.
    """
    sizes = task.equation.sizes_at(task.coefficients)
    length = 1.0 if order == 0 else float(sizes.half[0])
    steps = _STEP * sizes.variation / length**order
    shifts = torch.diag(steps)
    changes = [
        _residuals(task, forward, t, shift, order) - _residuals(task, forward, t, -shift, order) for shift in shifts
    ]
    return np.stack([each / (2 * float(step)) for each, step in zip(changes, steps, strict=True)], axis=-1)


def _residuals(task: EquationTask, forward: Forward, t: np.ndarray, shift: Tensor, order: int) -> np.ndarray:
    """The residuals ``(rows, residuals)`` with a derivative of the outputs shifted, and no other of that order."""
    formulas = Residuals(task.equation, task.coefficients)
    x = task.tensor(t).requires_grad_()
    with deepxde_defaults(task.dtype, task.device):
        here = (x - x.detach()) ** order / factorial(order)
        u = formulas.solution(formulas.outputs_of(forward), x) + here * shift.to(x)
        found = task.equation.residual(x, u, task.coefficients)
    columns: list[Any] = list(found) if isinstance(found, list | tuple) else [found]
    return torch.cat(columns, dim=1).numpy(force=True)
