"""How wrong a solution is: the linearised error equation, solved on points that its training did not see.

If ``R(u) = 0`` is the equation and u a network's answer, its error e solves ``R'(u) e = -R(u)`` to first order. It is
sought in the network's tangent space, ``e = (du/dw) d`` for all weights w, free or not: functions that know where the
solution is steep and along which lines it stays the same. The residual that training leaves changes its sign from
point to point, and only what of it goes on from point to point makes an error. So the least squares
``min |R + J d|² + ν |d|²`` are damped as they must be for the residual on yet other points to become least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.equation_task import EquationTask
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.runtime.isolation import untouched

_FIT, _JUDGE = 101, 102  # seeds of points: those on which e is found, and those by which it is damped
_DAMPINGS = torch.logspace(-14, -2, 13, dtype=torch.float64)  # of the trace
_WEIGHTS = 2000  # of a larger network some, drawn at random, span the errors
_STEP = 1e-4  # of the weights, for a difference along d; its square is what the difference is off by


@dataclass(frozen=True)
class ErrorEstimate:
    """A solution's estimated error.

    Attributes:
        relative: its L2 norm over that of the solution, on a regular grid over the domain.
    """

    relative: float
    _task: EquationTask
    _masked: MaskedNetwork
    _d: Tensor

    def at(self, x: np.ndarray) -> np.ndarray:
        """By how much the solution lies above the true one, ``(rows, outputs)``, at points `x` ``(rows, inputs)``."""
        return -_difference(self._task, self._masked, self._d, np.asarray(x))


def error_estimate(task: EquationTask, masked: MaskedNetwork, z: Tensor) -> ErrorEstimate:
    """The error of a solution of an equation.

    Takes two Jacobians by all weights and one decomposition: as long as a few steps of a calibration.

    Args:
        task: the equation at its coefficients.
        masked: the network.
        z: its free weights ``(p,)``, near a solution.
    """
    task, masked = task.to(torch.float64), masked.to(torch.float64, task.device)
    whole = masked.with_mask(_some(masked.weights), True, masked.merge(z.to(masked.weights)))
    with untouched():
        objective, w = Objective(task, whole), whole.start[None]
        fit, judge = (objective.linearised_on(task.fresh(seed), w) for seed in (_FIT, _JUDGE))
        found = _damped(fit.jacobian[0], fit.residuals[0])
        left = (judge.residuals[0] + found @ judge.jacobian[0].T).square().sum(1)
        d, grid = found[left.argmin()], task.grid()
        u = task.predict(whole.forward(whole.start), grid)
        relative = float(np.linalg.norm(_difference(task, whole, d, grid)) / np.linalg.norm(u))
        relative = relative if np.isfinite(relative) else np.inf
    return ErrorEstimate(relative, task, whole, d)


def _some(weights: Tensor) -> Tensor:
    """A mask of all weights, or as many of them as span the errors."""
    chosen = torch.zeros_like(weights, dtype=torch.bool)
    chosen[torch.randperm(len(weights), generator=torch.Generator().manual_seed(0))[:_WEIGHTS]] = True
    return chosen


def _damped(jacobian: Tensor, r: Tensor) -> Tensor:
    """``min |r + J d|² + ν |d|²`` for each damping ν: ``(dampings, p)``; by ``J Jᵀ`` or ``Jᵀ J``, which is smaller."""
    rows, weights = jacobian.shape
    sizes, q = torch.linalg.eigh(jacobian @ jacobian.T if rows <= weights else jacobian.T @ jacobian)
    nu = (_DAMPINGS.to(sizes) * sizes.sum())[:, None]
    if rows <= weights:
        return -((q.T @ r) / (sizes.clamp(min=0) + nu)) @ (q.T @ jacobian)
    return -((q.T @ (jacobian.T @ r)) / (sizes.clamp(min=0) + nu)) @ q.T


def _difference(task: EquationTask, masked: MaskedNetwork, d: Tensor, x: np.ndarray) -> np.ndarray:
    """``(du/dw) d`` at points `x`."""
    step = _STEP / max(float(d.norm()), torch.finfo(d.dtype).tiny)
    ahead, behind = (task.predict(masked.forward(masked.start + sign * step * d), x) for sign in (1, -1))
    return (ahead - behind) / (2 * step)
