"""Levenberg-Marquardt on the free weights: few, expensive steps that end near machine accuracy."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from pacpinn.networks.factored_jacobian import BYTES_OF_A_BLOCK
from pacpinn.networks.objective import Linearisation, Objective
from pacpinn.solvers.base import Report, Result, Status, silent
from pacpinn.solvers.memory_estimate import Footprint
from pacpinn.solvers.normal_equations import NormalEquations, cost
from pacpinn.solvers.sampled_normal_equations import LARGEST_SAMPLE, Sample, SampledNormalEquations

_LEAST_DAMPING = 1e-6  # of the first damping, however near the solution
_LARGEST_DAMPING = 1e12  # beyond it a step is too short to change anything
_LARGE = 2**21  # entries of a Jacobian that is not formed whole, one target's: 16 megabytes
_MANY_ROWS = 4  # times as many residuals as weights: few weights have a small matrix, of whatever Jacobian
_PASSES = 2  # forward passes that are kept at the same time, and what their backward passes add
_PROBE = 0.1  # part of a step over which curvature is measured


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Damped Gauss-Newton with geodesic acceleration (Transtrum & Sethna 2012, arXiv:1201.5885).

    Works on tasks with residuals: equations, regression, classification. It ends when the residuals meet the task's
    tolerance, on fresh points too; if those fall no further it has stalled, however small the training's are. A task
    without a tolerance has converged when the loss falls no further.

    The second-order correction follows the curved valleys of network losses and saves about half of the Jacobians; a
    step that goes too far along the curve is tried at half its length, which costs no factorisation. The algebra is of
    double precision, whatever the network's.

    With more than 16 MB of Jacobian, and fewer than four times as many residuals as weights, steps come from samples of
    the residuals (:mod:`pacpinn.solvers.sampled_normal_equations`).

    Args:
        max_steps: steps at most, rejected ones counted.
        damping: first damping, relative to the normal matrix, far from the solution; near it, times the root mean
            square residual (as in Fan & Yuan 2005, doi:10.1007/s00607-004-0083-1).
        relief: factor by which a good step lowers the damping.
        rise: factor by which a step that is good at half length only, or not at all, raises it.
        acceleration: largest length of the second-order correction relative to the step; a longer one is left out.
        patience: good steps over which the loss must fall by the fraction `decrease`, else nothing more is expected;
            once it is within the tolerance, so must the loss on fresh points.
        decrease: see `patience`.
    """

    max_steps: int = 400
    damping: float = 1e-3
    relief: float = 8.0
    rise: float = 3.0
    acceleration: float = 0.75
    patience: int = 10
    decrease: float = 0.1

    def bytes_needed(self, footprint: Footprint) -> float:
        """Two linearisations at a time, the Jacobian or its blocks and factors, and three copies of the matrix."""
        rows, weights = round(footprint.points * footprint.residuals), footprint.weights
        passes = _PASSES * footprint.points * footprint.pass_bytes
        if footprint.factored and _sampled(rows, weights):
            return passes + 3 * 8 * min(rows, LARGEST_SAMPLE) ** 2 + 2 * BYTES_OF_A_BLOCK
        return passes + 3 * 8 * rows * weights + 3 * 8 * min(rows, weights) ** 2

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        return self.solve(objective, z.detach()[None], report)[0]

    def solve(self, objective: Objective, z: Tensor, report: Report = silent) -> list[Result]:
        """Solve for several targets at once: `z` is ``(targets, p)``, one result for each.

        The steps are those of each target by itself. Targets that have ended leave once half of those present have.
        """
        began = time.perf_counter()
        now = objective.linearise(z)
        now.require_finite()
        costs = cost(now.residuals, _distance(objective, z), objective.penalty)
        everyone = present = [TargetState(each, [loss]) for each, loss in zip(z, costs.tolist(), strict=True)]
        better = torch.ones_like(costs, dtype=torch.bool)
        self._judge(objective, z, now, present, better)
        mu, normal = self.damping * costs.sqrt().clamp(_LEAST_DAMPING, 1), None
        for step in range(1, self.max_steps + 1):
            running = torch.tensor([each.status is None for each in present], device=z.device)
            if not running.any():
                break
            if 2 * int(running.sum()) <= len(present):
                left = running.nonzero()[:, 0]
                present = [present[k] for k in left.tolist()]
                objective, z, mu, better, running = objective.only(left), z[left], mu[left], better[left], running[left]
                now, normal = objective.linearise(z), None if normal is None else normal.only(left)
            delta = _distance(objective, z)
            normal = normal.moved(better, now, delta) if normal else _normal_equations(now, delta, objective)
            z, now, better, whole, costs = self._step(objective, normal, z, mu, running)
            mu = torch.where(whole, mu / self.relief, mu * self.rise)
            for k in running.nonzero()[:, 0].tolist():
                present[k].steps = step
                if better[k]:
                    present[k].z = z[k]
                    present[k].losses.append(float(costs[k]))
                elif not mu[k] < _LARGEST_DAMPING:
                    present[k].status = self._at_rest(objective) if costs[k].isfinite() else Status.DIVERGED
            self._judge(objective, z, now, present, better)
            report(step, max(each.losses[-1] for each in present))
        seconds = time.perf_counter() - began
        return [
            Result(each.z, each.status or Status.MAX_STEPS, each.steps, seconds / len(everyone), each.losses)
            for each in everyone
        ]

    def _step(self, objective: Objective, normal: AnyNormalEquations, z: Tensor, mu: Tensor, running: Tensor) -> Trial:
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
        return Trial(torch.where(better[:, None], ahead, z), there, better, better & (share == 1), costs)

    def _directions(
        self, objective: Objective, normal: AnyNormalEquations, z: Tensor, mu: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The step `d`, and `a` that answers the residuals' curvature along it, found by a finite difference."""
        damped = normal.damped(mu)
        d = damped.step()
        ahead = objective.residuals(z + _PROBE * d.to(z.dtype))
        curvature = 2 / _PROBE * ((ahead - normal.residuals) / _PROBE - normal.along(d))
        a = damped.correction(curvature)
        small = a.norm(dim=-1) <= self.acceleration * d.norm(dim=-1)
        return d.to(z.dtype), torch.where(small[:, None], a, 0.0).to(z.dtype)

    def _judge(
        self, objective: Objective, z: Tensor, now: Linearisation, courses: list[TargetState], better: Tensor
    ) -> None:
        """End the courses of targets that have just become `better` and are solved now, or can be no better."""
        enough = 0.0 if objective.tolerance is None else objective.tolerance**2
        within = better & (now.residuals.square().sum(-1) <= enough)
        fresh = objective.fresh_misfit(z) if objective.tolerance is not None and within.any() else None
        for k in better.nonzero()[:, 0].tolist():
            course = courses[k]
            if fresh is not None and within[k]:
                course.fresh.append(float(fresh[k]))
                if fresh[k] <= enough:
                    course.status = Status.CONVERGED
                    continue
            if self._rests(course.losses) or self._rests(course.fresh):
                course.status = self._at_rest(objective)

    def _rests(self, losses: list[float]) -> bool:
        return len(losses) > self.patience and losses[-1] > (1 - self.decrease) * losses[-1 - self.patience]

    @staticmethod
    def _at_rest(objective: Objective) -> Status:
        return Status.CONVERGED if objective.tolerance is None else Status.STALLED


AnyNormalEquations = NormalEquations | SampledNormalEquations


def _normal_equations(now: Linearisation, delta: Tensor, objective: Objective) -> AnyNormalEquations:
    """Of a Jacobian formed whole; of samples of one that is not, if it is large and its weights are not few."""
    rows, weights = now.residuals.shape[-1], delta.shape[-1]
    if _sampled(rows, weights) and now.factored is not None:
        return SampledNormalEquations(
            now.factored, now.residuals, delta, objective.penalty, Sample(seed=objective.seed)
        )
    return NormalEquations(now.jacobian, now.residuals, delta, objective.penalty)


def _sampled(rows: int, weights: int) -> bool:
    return rows * weights > _LARGE and rows < _MANY_ROWS * weights


@dataclass
class TargetState:
    """How the solve of one target goes: where it is, its loss after each good step, and on fresh points once within
    tolerance."""

    z: Tensor
    losses: list[float]
    fresh: list[float] = field(default_factory=list)
    steps: int = 0
    status: Status | None = None


class Trial(NamedTuple):
    """Where one step has led: weights, residuals there, and for each target whether its cost fell (`better`), at the
    step's whole length (`whole`), and to what."""

    z: Tensor
    there: Linearisation
    better: Tensor
    whole: Tensor
    costs: Tensor


def _distance(objective: Objective, z: Tensor) -> Tensor:
    """The weights less the penalty's centre, in double precision."""
    return (z - objective.centre).double()
