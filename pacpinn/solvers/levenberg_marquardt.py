"""Levenberg-Marquardt on the free weights: few, expensive steps that end near machine accuracy."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from pacpinn.objective import Linearisation, Objective
from pacpinn.solvers.base import Report, Result, Status, silent

_LARGEST_DAMPING = 1e12  # beyond it a step is too short to change anything
_PROBE = 0.1  # part of a step over which curvature is measured
_LEAST_SCALE = 0.01  # of the damping of a weight that moves no residual, against the mean


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Damped Gauss-Newton with geodesic acceleration (Transtrum & Sethna 2012, arXiv:1201.5885).

    Works on tasks with residuals: equations, regression, classification. It ends at the task's tolerance; a task
    without one has converged when the loss falls no further. The second-order correction follows the curved valleys of
    network losses and saves about half of the Jacobians; a step that goes too far along the curve is tried at half its
    length, which costs no factorisation. The algebra is of double precision, whatever the network's.

    Args:
        max_steps: steps at most, rejected ones counted.
        damping: first damping, relative to the normal matrix.
        relief: factor by which a good step lowers the damping.
        rise: factor by which a step that is good at half length only, or not at all, raises it.
        acceleration: largest length of the second-order correction relative to the step; a longer one is left out.
        patience: good steps over which the loss must fall by the fraction `decrease`, else nothing more is expected.
        decrease: see `patience`.
    """

    max_steps: int = 400
    damping: float = 1e-5
    relief: float = 8.0
    rise: float = 3.0
    acceleration: float = 0.75
    patience: int = 10
    decrease: float = 0.1

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        return self.solve(objective, z.detach()[None], report)[0]

    def solve(self, objective: Objective, z: Tensor, report: Report = silent) -> list[Result]:
        """Solve for several targets at once: `z` is ``(targets, p)``, one result for each."""
        began = time.perf_counter()
        now = objective.linearise(z)
        now.require_finite()
        normal = NormalEquations(now.jacobian, now.residuals, _distance(objective, z), objective.penalty)
        mu = torch.full_like(normal.cost, self.damping)
        histories = [[cost] for cost in normal.cost.tolist()]
        statuses = [self._judge(objective, normal.misfit[k], histories[k]) for k in range(len(z))]
        taken = [0] * len(z)
        for step in range(1, self.max_steps + 1):
            running = torch.tensor([status is None for status in statuses], device=z.device)
            if not running.any():
                break
            trial = self._step(objective, normal, z, mu, running)
            z, normal = trial.z, trial.normal
            mu = torch.where(trial.whole, mu / self.relief, mu * self.rise)
            for k in running.nonzero()[:, 0].tolist():
                taken[k] = step
                if trial.better[k]:
                    histories[k].append(float(normal.cost[k]))
                    statuses[k] = self._judge(objective, normal.misfit[k], histories[k])
                elif not mu[k] < _LARGEST_DAMPING:
                    statuses[k] = self._at_rest(objective) if trial.finite[k] else Status.DIVERGED
            report(step, max(history[-1] for history in histories))
        seconds = time.perf_counter() - began
        return [Result(z[k], statuses[k] or Status.MAX_STEPS, taken[k], seconds, histories[k]) for k in range(len(z))]

    def _step(self, objective: Objective, normal: NormalEquations, z: Tensor, mu: Tensor, running: Tensor) -> Trial:
        """Move each running target along its curve ``z + s d + s² a``: whole, half or not at all."""
        d, a = self._directions(objective, normal, z, mu)
        share = torch.ones_like(mu, dtype=z.dtype)
        for _ in range(2):
            s = share[:, None]
            ahead = z + s * d + s**2 * a
            there = objective.linearise(ahead)
            # NaN, from a step to nowhere or an indefinite matrix, compares false: such a step is a rejected one.
            costs = cost(there.residuals, _distance(objective, ahead), objective.penalty)
            better = running & (costs < normal.cost)
            if better.equal(running):
                break
            share = torch.where(better, share, share / 2)
        if better.any():
            z = torch.where(better[:, None], ahead, z)
            normal = normal.moved(better, there, _distance(objective, z))
        return Trial(z, normal, better, better & (share == 1), costs.isfinite())

    def _directions(
        self, objective: Objective, normal: NormalEquations, z: Tensor, mu: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The step `d`, and `a` that answers the residuals' curvature along it, found by a finite difference."""
        damped = normal.damped(mu)
        d = damped.step()
        ahead = objective.residuals(z + _PROBE * d.to(z.dtype))
        curvature = 2 / _PROBE * ((ahead - normal.residuals) / _PROBE - _apply(normal.jacobian, d))
        a = damped.correction(curvature)
        small = a.norm(dim=-1) <= self.acceleration * d.norm(dim=-1)
        return d.to(z.dtype), torch.where(small[:, None], a, 0.0).to(z.dtype)

    def _judge(self, objective: Objective, misfit: Tensor, history: list[float]) -> Status | None:
        if objective.tolerance is not None and misfit <= objective.tolerance**2:
            return Status.CONVERGED
        if len(history) > self.patience and history[-1] > (1 - self.decrease) * history[-1 - self.patience]:
            return self._at_rest(objective)
        return None

    @staticmethod
    def _at_rest(objective: Objective) -> Status:
        return Status.CONVERGED if objective.tolerance is None else Status.STALLED


class Trial(NamedTuple):
    """Where one step has led: weights and normal equations, and for each target whether its cost fell (`better`),
    at the step's whole length (`whole`), and whether it was a number (`finite`)."""

    z: Tensor
    normal: NormalEquations
    better: Tensor
    whole: Tensor
    finite: Tensor


@dataclass(frozen=True)
class NormalEquations:
    """The least-squares problem ``min |r + J d|^2 + penalty |delta + d|^2`` at one point.

    Args:
        jacobian: ``(k, m, p)``; the leading axis counts targets, here and below.
        residuals: ``(k, m)``.
        delta: weights less the penalty's centre, ``(k, p)``.
        penalty: its strength.
    """

    jacobian: Tensor
    residuals: Tensor
    delta: Tensor
    penalty: float

    @property
    def primal(self) -> bool:
        """Whether ``JᵀJ`` is the smaller matrix, no more weights than residuals, or ``J Jᵀ`` (the dual)."""
        return self.jacobian.shape[-1] <= self.jacobian.shape[-2]

    @cached_property
    def misfit(self) -> Tensor:
        """Sum of squared residuals ``(k,)``."""
        return self.residuals.square().sum(-1)

    @cached_property
    def cost(self) -> Tensor:
        """The misfit and the penalty ``(k,)``."""
        return cost(self.residuals, self.delta, self.penalty)

    @cached_property
    def gram(self) -> Tensor:
        """``JᵀJ``, ``(k, p, p)``."""
        return self.jacobian.mT @ self.jacobian

    @cached_property
    def scale(self) -> Tensor:
        """Damping of each weight ``(k, p)``: the mean diagonal of ``JᵀJ``, shared out by the lengths of J's columns.

        Half-way between Levenberg's equal damping and Marquardt's by the diagonal itself.
        """
        squares = self.gram.diagonal(dim1=-2, dim2=-1) if self.primal else self.jacobian.square().sum(-2)
        mean, lengths = squares.mean(-1, keepdim=True), squares.sqrt()
        tiny = torch.finfo(mean.dtype).tiny
        return mean * (lengths / (lengths.mean(-1, keepdim=True) + tiny) + _LEAST_SCALE) + tiny

    def moved(self, where: Tensor, there: Linearisation, delta: Tensor) -> NormalEquations:
        """The problem with residuals and Jacobian taken from `there` for the targets `where`."""
        jacobian, residuals = there.jacobian, there.residuals
        if not where.all():
            jacobian = torch.where(where[:, None, None], jacobian, self.jacobian)
            residuals = torch.where(where[:, None], residuals, self.residuals)
        return NormalEquations(jacobian, residuals, delta, self.penalty)

    def damped(self, mu: Tensor) -> Damped:
        """The problem with ``mu * scale`` added to the normal matrix's diagonal; `mu` is ``(k,)``."""
        shift = self.penalty + mu[:, None] * self.scale
        if self.primal:
            matrix, diagonal = self.gram.clone(), shift
        else:
            matrix, diagonal = self.jacobian / shift[:, None] @ self.jacobian.mT, torch.ones_like(self.residuals)
        matrix.diagonal(dim1=-2, dim2=-1).add_(diagonal)
        factor, info = torch.linalg.cholesky_ex(matrix)
        factor[info != 0] = torch.nan
        return Damped(self, shift, factor)


@dataclass(frozen=True)
class Damped:
    """Normal equations with ``W = diag(shift)`` in place of the penalty's and the damping's share, ``(k, p)``.

    `factor` is the Cholesky factor of ``JᵀJ + W`` (primal) or of ``J W⁻¹ Jᵀ + I`` (dual). Where there is none, the
    solutions are NaN.
    """

    normal: NormalEquations
    shift: Tensor
    factor: Tensor

    def step(self) -> Tensor:
        """``-(JᵀJ + W)⁻¹ (Jᵀr + penalty delta)``, ``(k, p)``."""
        normal = self.normal
        pull = normal.penalty * normal.delta
        if normal.primal:
            return -self._solve(_apply(normal.jacobian.mT, normal.residuals) + pull)
        return self._from_rows(normal.residuals - _apply(normal.jacobian, pull / self.shift)) - pull / self.shift

    def correction(self, curvature: Tensor) -> Tensor:
        """Geodesic acceleration ``-(JᵀJ + W)⁻¹ Jᵀ curvature / 2``, ``(k, p)``."""
        if self.normal.primal:
            return -self._solve(_apply(self.normal.jacobian.mT, curvature)) / 2
        return self._from_rows(curvature) / 2

    def _from_rows(self, right: Tensor) -> Tensor:
        """``-(JᵀJ + W)⁻¹ Jᵀ right`` by the dual matrix."""
        return -_apply(self.normal.jacobian.mT, self._solve(right)) / self.shift

    def _solve(self, right: Tensor) -> Tensor:
        return torch.cholesky_solve(right[..., None], self.factor)[..., 0]


def cost(residuals: Tensor, delta: Tensor, penalty: float) -> Tensor:
    """``|r|^2 + penalty |delta|^2`` for each target."""
    return residuals.square().sum(-1) + penalty * delta.square().sum(-1)


def _distance(objective: Objective, z: Tensor) -> Tensor:
    """The weights less the penalty's centre, in double precision."""
    return (z - objective.centre).double()


def _apply(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector[..., None])[..., 0]
