"""Levenberg-Marquardt on the free weights: few, expensive steps that end near machine accuracy."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from pacpinn.objective import Objective
from pacpinn.solvers.base import Report, Result, Status, silent

_LARGEST_DAMPING = 1e12  # relative to the normal matrix: beyond it a step is too short to change anything
_PROBE = 0.1  # part of a step over which curvature is measured


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Damped Gauss-Newton with geodesic acceleration (Transtrum & Sethna 2012, arXiv:1201.5885).

    Works on tasks with residuals: equations, regression, classification. It ends at the task's tolerance; a task
    without one has converged when the loss falls no further. The damping falls much at a good step and rises a little
    at a bad one, which costs no Jacobian; the second-order correction follows the curved valleys of network losses and
    saves about half of the Jacobians.

    Args:
        max_steps: trial steps at most, rejected ones counted.
        damping: first damping, relative to the mean diagonal of the normal matrix.
        relief: factor by which a good step lowers the damping.
        rise: factor by which a bad step raises it.
        acceleration: largest length of the second-order correction relative to the step; a longer one is left out.
        patience: good steps over which the loss must fall by the fraction `decrease`, else nothing more is expected.
        decrease: see `patience`.
    """

    max_steps: int = 400
    damping: float = 1e-3
    relief: float = 5.0
    rise: float = 3.0
    acceleration: float = 0.75
    patience: int = 10
    decrease: float = 0.1

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        return self.solve(objective, z.detach()[None], report)[0]

    def solve(self, objective: Objective, z: Tensor, report: Report = silent) -> list[Result]:
        """Solve for several targets at once: `z` is ``(targets, p)``, one result for each."""
        began = time.perf_counter()
        penalty, centre = objective.penalty, objective.centre
        now = objective.linearise(z)
        now.require_finite()
        normal = NormalEquations.of(now.jacobian, now.residuals, z - centre, penalty)
        mu = self.damping * normal.scale
        histories = [[cost] for cost in normal.cost.tolist()]
        statuses = [self._judge(objective, normal.misfit[k], histories[k]) for k in range(len(z))]
        taken = [0] * len(z)
        for step in range(1, self.max_steps + 1):
            running = torch.tensor([status is None for status in statuses], device=z.device)
            if not running.any():
                break
            d = self._accelerated(objective, normal, z, mu)
            trial = objective.linearise(z + d)
            # NaN, from a step to nowhere or an indefinite matrix, compares false: such a step is a rejected one.
            trial_cost = cost(trial.residuals, z + d - centre, penalty)
            better = running & (trial_cost < normal.cost)
            if better.any():
                z = torch.where(better[:, None], z + d, z)
                moved = NormalEquations.of(trial.jacobian, trial.residuals, z - centre, penalty)
                normal = moved if better.all() else normal.replaced(better, moved)
            mu = torch.where(better, mu / self.relief, mu * self.rise)
            for k in running.nonzero()[:, 0].tolist():
                taken[k] = step
                if better[k]:
                    histories[k].append(float(normal.cost[k]))
                    statuses[k] = self._judge(objective, normal.misfit[k], histories[k])
                elif not mu[k] < _LARGEST_DAMPING * normal.scale[k]:
                    statuses[k] = self._at_rest(objective) if trial_cost[k].isfinite() else Status.DIVERGED
            report(step, max(history[-1] for history in histories))
        seconds = time.perf_counter() - began
        return [Result(z[k], statuses[k] or Status.MAX_STEPS, taken[k], seconds, histories[k]) for k in range(len(z))]

    def _accelerated(self, objective: Objective, normal: NormalEquations, z: Tensor, mu: Tensor) -> Tensor:
        """Step ``d + a``: ``a`` answers the residuals' curvature along ``d``, found by a finite difference."""
        d = normal.step(mu)
        ahead = objective.linearise(z + _PROBE * d).residuals
        curvature = 2 / _PROBE * ((ahead - normal.residuals) / _PROBE - _apply(normal.jacobian, d))
        a = normal.correction(mu, curvature)
        small = a.norm(dim=-1) <= self.acceleration * d.norm(dim=-1)
        return torch.where(small[:, None], d + a, d)

    def _judge(self, objective: Objective, misfit: Tensor, history: list[float]) -> Status | None:
        if objective.tolerance is not None and misfit <= objective.tolerance**2:
            return Status.CONVERGED
        if len(history) > self.patience and history[-1] > (1 - self.decrease) * history[-1 - self.patience]:
            return self._at_rest(objective)
        return None

    @staticmethod
    def _at_rest(objective: Objective) -> Status:
        return Status.CONVERGED if objective.tolerance is None else Status.STALLED


@dataclass(frozen=True)
class NormalEquations:
    """The damped least-squares problem ``min |r + J d|^2 + penalty |delta + d|^2 + mu |d|^2`` at one point.

    All fields but `penalty` have a leading axis that counts targets.

    Attributes:
        jacobian: ``(k, m, p)``.
        residuals: ``(k, m)``.
        delta: weights less the penalty's centre, ``(k, p)``.
        gradient: half the gradient of the cost, ``(k, p)``.
        gram: ``JᵀJ`` if there are no more weights than residuals (primal), else ``JJᵀ`` (dual).
        misfit, cost: sum of squared residuals, without and with the penalty, ``(k,)``.
        scale: mean diagonal of ``JᵀJ``, ``(k,)``.
    """

    jacobian: Tensor
    residuals: Tensor
    delta: Tensor
    gradient: Tensor
    gram: Tensor
    misfit: Tensor
    cost: Tensor
    scale: Tensor
    penalty: float

    @classmethod
    def of(cls, jacobian: Tensor, residuals: Tensor, delta: Tensor, penalty: float) -> NormalEquations:
        """The problem at residuals `residuals` and weights `delta` from the centre."""
        return cls(
            jacobian=jacobian,
            residuals=residuals,
            delta=delta,
            gradient=_apply(jacobian.mT, residuals) + penalty * delta,
            gram=jacobian.mT @ jacobian if jacobian.shape[-1] <= jacobian.shape[-2] else jacobian @ jacobian.mT,
            misfit=residuals.square().sum(-1),
            cost=cost(residuals, delta, penalty),
            scale=jacobian.square().sum((-2, -1)) / jacobian.shape[-1] + torch.finfo(jacobian.dtype).tiny,
            penalty=penalty,
        )

    def replaced(self, where: Tensor, other: NormalEquations) -> NormalEquations:
        """A copy that takes the targets `where` from `other`."""
        merged = {}
        for each in fields(self):
            mine, its = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, Tensor):
                merged[each.name] = torch.where(where.view(-1, *[1] * (mine.ndim - 1)), its, mine)
        return NormalEquations(**merged, penalty=self.penalty)

    def step(self, mu: Tensor) -> Tensor:
        """Step ``(k, p)`` at damping `mu` ``(k,)``; NaN where the matrix is not positive definite."""
        total = self.penalty + mu
        if self._primal:
            return -self._solve(total, self.gradient)
        share = (self.penalty / total)[:, None]
        inner = self._solve(total, self.residuals - share * _apply(self.jacobian, self.delta))
        return -_apply(self.jacobian.mT, inner) - share * self.delta

    def correction(self, mu: Tensor, curvature: Tensor) -> Tensor:
        """Geodesic acceleration ``-(JᵀJ + (penalty + mu) I)⁻¹ Jᵀ curvature / 2``, ``(k, p)``."""
        total = self.penalty + mu
        if self._primal:
            return -self._solve(total, _apply(self.jacobian.mT, curvature)) / 2
        return -_apply(self.jacobian.mT, self._solve(total, curvature)) / 2

    @property
    def _primal(self) -> bool:
        return self.gram.shape[-1] == self.jacobian.shape[-1]

    def _solve(self, shift: Tensor, right: Tensor) -> Tensor:
        shifted = self.gram.clone()
        shifted.diagonal(dim1=-2, dim2=-1).add_(shift[:, None])
        factor, info = torch.linalg.cholesky_ex(shifted)
        solution = torch.cholesky_solve(right[..., None], factor)[..., 0]
        return torch.where((info == 0)[:, None], solution, torch.nan)


def cost(residuals: Tensor, delta: Tensor, penalty: float) -> Tensor:
    """``|r|^2 + penalty |delta|^2`` for each target."""
    return residuals.square().sum(-1) + penalty * delta.square().sum(-1)


def _apply(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector[..., None])[..., 0]
