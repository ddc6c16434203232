"""The error of a solution: the linearised error equation, solved on points that training did not see.

If ``R(u) = 0`` is the equation and u a network's solution, its error e solves ``R'(u) e = -R(u)`` to first order. The
error is sought in the network's tangent space, ``e = (du/dw) d`` over all weights w, free or frozen. Most of the
residual that training leaves changes its sign from point to point; only the part that does not causes an error. So the
least-squares problem ``min |R + J d|² + ν |d|²`` is damped, with the ν for which the residual on a second set of unseen
points is least.
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

_FIT, _JUDGE = 101, 102  # seeds of the points on which e is computed, and of those by which ν is chosen
_DAMPINGS = torch.logspace(-14, -2, 13, dtype=torch.float64)  # ν as shares of the trace of JᵀJ
_WEIGHTS = 2000  # of a larger network so many, drawn at random, span the tangent space
_STEP = 1e-4  # length of the step along d for a central difference, whose error is of the order of its square


@dataclass(frozen=True)
class ErrorEstimate:
    """A solution's estimated error: `relative` is its L2 norm over the solution's, on a regular grid of the domain."""

    relative: float
    _task: EquationTask
    _masked: MaskedNetwork
    _d: Tensor

    def at(self, x: np.ndarray) -> np.ndarray:
        """The solution minus the true one, estimated, ``(rows, outputs)``, at points `x` ``(rows, inputs)``."""
        return -_difference(self._task, self._masked, self._d, np.asarray(x))


def error_estimate(task: EquationTask, masked: MaskedNetwork, z: Tensor) -> ErrorEstimate:
    """Estimate the error of a solution of an equation, whose network `masked` has the free weights `z` ``(p,)``.

    The cost is two Jacobians with respect to all weights and one eigendecomposition: a few steps of a calibration.
    """
    task, masked = task.to(torch.float64), masked.to(torch.float64, task.device)
    whole = masked.with_mask(_some(masked.weights), True, masked.merge(z.to(masked.weights)))
    with untouched():
        objective, w = Objective(task, whole), whole.start[None]
        fit, judge = (objective.linearised_on(task.fresh(seed), w) for seed in (_FIT, _JUDGE))
        candidates = _damped(fit.jacobian[0], fit.residuals[0])
        left = (judge.residuals[0] + candidates @ judge.jacobian[0].T).square().sum(1)
        d, grid = candidates[left.argmin()], task.grid()
        u = task.predict(whole.forward(whole.start), grid)
        relative = float(np.linalg.norm(_difference(task, whole, d, grid)) / np.linalg.norm(u))
    return ErrorEstimate(relative if np.isfinite(relative) else np.inf, task, whole, d)


def _some(weights: Tensor) -> Tensor:
    chosen = torch.zeros_like(weights, dtype=torch.bool)
    chosen[torch.randperm(len(weights), generator=torch.Generator().manual_seed(0))[:_WEIGHTS]] = True
    return chosen


def _damped(jacobian: Tensor, r: Tensor) -> Tensor:
    """Minimise ``|r + J d|² + ν |d|²`` for each damping ν ``(dampings, p)``, by the smaller of ``JJᵀ`` and ``JᵀJ``."""
    rows, weights = jacobian.shape
    sizes, q = torch.linalg.eigh(jacobian @ jacobian.T if rows <= weights else jacobian.T @ jacobian)
    nu = (_DAMPINGS.to(sizes) * sizes.sum())[:, None]
    if rows <= weights:
        return -((q.T @ r) / (sizes.clamp(min=0) + nu)) @ (q.T @ jacobian)
    return -((q.T @ (jacobian.T @ r)) / (sizes.clamp(min=0) + nu)) @ q.T


def _difference(task: EquationTask, masked: MaskedNetwork, d: Tensor, x: np.ndarray) -> np.ndarray:
    """``(du/dw) d`` at points `x`, by a central difference."""
    step = _STEP / max(float(d.norm()), torch.finfo(d.dtype).tiny)
    ahead, behind = (task.predict(masked.forward(masked.start + sign * step * d), x) for sign in (1, -1))
    return (ahead - behind) / (2 * step)
