"""Gauss-Newton for a few unknowns and many problems at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

ITERATIONS = 20
_SHORTENINGS = 5  # of one step, each to a quarter


class Minimum(NamedTuple):
    """Where the squares are least: unknowns ``(k, n)``, how many Jacobians that took, and the last linearisation."""

    unknowns: Tensor
    iterations: int
    residuals: Tensor
    jacobian: Tensor


def gauss_newton(
    linearise: Callable[[Tensor], tuple[Tensor, Tensor]], start: Tensor, accuracy: float = 1e-3
) -> Minimum:
    """Minimise ``|r(b)|²`` over `b` ``(n,)`` for each of k problems (Nocedal & Wright 2006, section 10.3).

    Args:
        linearise: gives at unknowns ``(k, n)`` residuals ``(k, m)`` and Jacobians ``(k, m, n)``.
        start: where to begin, ``(k, n)``.
        accuracy: length of a step after which another one would change nothing that matters: where residuals are
            small convergence is quadratic, and what is left is of the size of its square.
    """
    now = start
    residuals, jacobian = linearise(now)
    if not start.numel():
        return Minimum(now, 0, residuals, jacobian)
    for iteration in range(1, ITERATIONS + 1):
        step = _step(residuals, jacobian)
        if bool((step.norm(dim=-1) <= accuracy).all()):
            return Minimum(now + step, iteration, residuals, jacobian)
        cost, share = residuals.square().sum(-1), step.new_ones(len(step), 1)
        for _ in range(_SHORTENINGS):
            ahead = now + share * step
            there, slope = linearise(ahead)
            better = there.square().sum(-1) < cost
            if bool(better.all()):
                break
            share = torch.where(better[:, None], share, share / 4)
        if not bool(better.any()):
            break
        now = torch.where(better[:, None], ahead, now)
        residuals = torch.where(better[:, None], there, residuals)
        jacobian = torch.where(better[:, None, None], slope, jacobian)
    return Minimum(now, iteration, residuals, jacobian)


def _step(residuals: Tensor, jacobian: Tensor) -> Tensor:
    """``min |r + J d|²`` for each problem; none for those that are not finite."""
    finite = residuals.isfinite().all(1) & jacobian.isfinite().flatten(1).all(1)
    if not bool(finite.all()):
        residuals = torch.where(finite[:, None], residuals, 0.0)
        jacobian = torch.where(finite[:, None, None], jacobian, 0.0)
    return least_squares(jacobian, -residuals[..., None])[..., 0]


def least_squares(matrix: Tensor, right: Tensor) -> Tensor:
    """The shortest x with least ``|A x - b|``, of whatever rank.

    By singular values: the driver that torch takes by itself on the processor begins with pivots that it has not set,
    and differs in the last bits from call to call.
    """
    return torch.linalg.lstsq(matrix, right, driver="gelsd" if matrix.is_cpu else None).solution
