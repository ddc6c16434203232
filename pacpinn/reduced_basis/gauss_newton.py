"""Gauss-Newton for many small least-squares problems at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Linearise = Callable[[Tensor], tuple[Tensor, Tensor]]  # unknowns (k, n) to residuals (k, m) and Jacobians (k, m, n)

_ITERATIONS = 20
_SHORTENINGS = 5  # of one step, each to a quarter


class Minimum(NamedTuple):
    """Minima of the squares at `unknowns` ``(k, n)``, with the number of iterations and the last linearisation."""

    unknowns: Tensor
    iterations: int
    residuals: Tensor
    jacobian: Tensor

    @property
    def converged(self) -> bool:
        """Whether further iterations would change nothing."""
        return self.iterations < _ITERATIONS


def gauss_newton(linearise: Linearise, start: Tensor, accuracy: float = 1e-3) -> Minimum:
    """Minimise ``|r(b)|²`` over `b` ``(n,)`` for each of k problems (Nocedal & Wright 2006, section 10.3).

    From `start` ``(k, n)``, until no step is longer than `accuracy`: where residuals are small, the remaining error is
    of the size of its square.
    """
    b = start
    residuals, jacobian = linearise(b)
    if not start.numel():
        return Minimum(b, 0, residuals, jacobian)
    for iteration in range(1, _ITERATIONS + 1):
        step = _step(residuals, jacobian)
        if bool((step.norm(dim=-1) <= accuracy).all()):
            return Minimum(b + step, iteration, residuals, jacobian)
        cost, share = residuals.square().sum(-1), step.new_ones(len(step), 1)
        for _ in range(_SHORTENINGS):
            trial = b + share * step
            trial_residuals, trial_jacobian = linearise(trial)
            better = trial_residuals.square().sum(-1) < cost
            if bool(better.all()):
                break
            share = torch.where(better[:, None], share, share / 4)
        if not bool(better.any()):
            break
        b = torch.where(better[:, None], trial, b)
        residuals = torch.where(better[:, None], trial_residuals, residuals)
        jacobian = torch.where(better[:, None, None], trial_jacobian, jacobian)
    return Minimum(b, iteration, residuals, jacobian)


def _step(residuals: Tensor, jacobian: Tensor) -> Tensor:
    """The step d of least ``|r + J d|`` for each problem; zero where residuals or Jacobian are not finite."""
    finite = residuals.isfinite().all(1) & jacobian.isfinite().flatten(1).all(1)
    if not bool(finite.all()):
        residuals = torch.where(finite[:, None], residuals, 0.0)
        jacobian = torch.where(finite[:, None, None], jacobian, 0.0)
    return least_squares(jacobian, -residuals[..., None])[..., 0]


def least_squares(matrix: Tensor, right: Tensor) -> Tensor:
    """The shortest x with least ``|A x - b|``, for matrices of any rank.

    On the CPU by singular values. Torch's default driver there starts from uninitialised pivots, and its results differ
    in the last bits from call to call.
    """
    return torch.linalg.lstsq(matrix, right, driver="gelsd" if matrix.is_cpu else None).solution
