"""Levenberg-Marquardt on the free weights: few, expensive steps that end near machine accuracy."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from pacpinn.networks.factored_jacobian import BYTES_OF_A_BLOCK
from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Report, Result, Status, at_rest, silent
from pacpinn.solvers.memory_estimate import Footprint
from pacpinn.solvers.normal_equations import cost
from pacpinn.solvers.running_targets import AnyNormalEquations, RunningTargets, Trial, distance
from pacpinn.solvers.sampled_normal_equations import LARGEST_SAMPLE, takes_samples

_LARGEST_DAMPING = 1e12  # beyond it a step is too short to change anything
_PASSES = 2  # forward passes that are kept at the same time, with their backward passes
_PROBE = 0.1  # part of a step over which curvature is measured


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Damped Gauss-Newton with geodesic acceleration (Transtrum & Sethna 2012, arXiv:1201.5885).

    Works on tasks with residuals: equations, regression, classification. A solve has converged when the residuals meet
    the task's tolerance, on fresh points too. It has stalled when the loss on training or on fresh points falls no
    further before that. A task without a tolerance has converged when the loss falls no further.

    The second-order correction follows the curved valleys of network losses and saves about half of the Jacobians. A
    step that goes too far along the curve is tried at half its length, which costs no factorisation. If the Jacobian
    would take more than 16 MB, and there are fewer than four times as many residuals as weights, steps come from
    samples of the residuals (:mod:`pacpinn.solvers.sampled_normal_equations`), until one would need more residuals than
    there are weights. The algebra has double precision.

    Args:
        max_steps: steps at most, rejected ones counted.
        damping: first damping, relative to the normal matrix, far from the solution; near it, times the root mean
            square residual (as in Fan & Yuan 2005, doi:10.1007/s00607-004-0083-1).
        relief: factor by which a step that is accepted at its whole length lowers the damping.
        rise: factor by which a step that is accepted at half its length only, or rejected, raises it.
        acceleration: largest length of the second-order correction relative to the step; a longer one is left out.
        patience, decrease: over `patience` accepted steps the loss must fall by the fraction `decrease`, else the solve
            ends; once the loss is within the tolerance, the loss on fresh points must fall so too.
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
        if footprint.factored and takes_samples(rows, weights) and weights >= LARGEST_SAMPLE:  # fewer: all, at last
            return passes + 3 * 8 * min(rows, LARGEST_SAMPLE) ** 2 + 2 * BYTES_OF_A_BLOCK
        return passes + 3 * 8 * rows * weights + 3 * 8 * min(rows, weights) ** 2

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        return self.solve(objective, z.detach()[None], report)[0]

    def solve(self, objective: Objective, z: Tensor, report: Report = silent) -> list[Result]:
        """Solve several targets at once, from `z` ``(targets, p)``, by the steps that every target takes alone."""
        began = time.perf_counter()
        targets = RunningTargets(objective, z, self.damping)
        self._end_moved(targets)
        for step in range(1, self.max_steps + 1):
            if not targets.running.any():
                break
            targets.compact()
            trial = self._step(targets)
            targets.mu = torch.where(trial.whole, targets.mu / self.relief, targets.mu * self.rise)
            targets.take(trial, step)
            self._end_stuck(targets, trial)
            self._end_moved(targets)
            if report(step, max(state.losses[-1] for state in targets.states)):
                break
        return targets.results(time.perf_counter() - began)

    def _step(self, targets: RunningTargets) -> Trial:
        """Move each running target along its curve ``z + s d + s² a``: s is 1 or 1/2, or the step is rejected."""
        objective, z, running = targets.objective, targets.z, targets.running
        normal = targets.normal_equations()
        costs_before = cost(normal.residuals, normal.delta, normal.penalty)
        d, a = self._directions(targets, normal)
        share = torch.ones_like(targets.mu, dtype=z.dtype)
        for _ in range(2):
            s = share[:, None]
            ahead = z + s * d + s**2 * a
            linearisation = objective.linearise(ahead)
            # A cost of NaN, from non-finite residuals or an indefinite matrix, compares false: the step is rejected.
            costs = cost(linearisation.residuals, distance(objective, ahead), objective.penalty)
            accepted = running & (costs < costs_before)
            if accepted.equal(running):
                break
            share = torch.where(accepted, share, share / 2)
        return Trial(torch.where(accepted[:, None], ahead, z), linearisation, accepted, accepted & (share == 1), costs)

    def _directions(self, targets: RunningTargets, normal: AnyNormalEquations) -> tuple[Tensor, Tensor]:
        """The step `d`, and the correction `a` for the residuals' curvature along it, by a finite difference."""
        z, damped = targets.z, normal.damped(targets.mu)
        d = damped.step()
        ahead = targets.objective.residuals(z + _PROBE * d.to(z.dtype))
        curvature = 2 / _PROBE * ((ahead - normal.residuals) / _PROBE - normal.along(d))
        a = damped.correction(curvature)
        small = a.norm(dim=-1) <= self.acceleration * d.norm(dim=-1)
        return d.to(z.dtype), torch.where(small[:, None], a, 0.0).to(z.dtype)

    @staticmethod
    def _end_stuck(targets: RunningTargets, trial: Trial) -> None:
        """End the targets whose step was rejected at the largest damping; without a finite trial they diverged."""
        rejected = targets.running & ~trial.accepted & ~(targets.mu < _LARGEST_DAMPING)
        for k, state in targets.at(rejected):
            state.status = at_rest(targets.objective) if trial.costs[k].isfinite() else Status.DIVERGED

    def _end_moved(self, targets: RunningTargets) -> None:
        """End the targets that have just moved and are solved, on fresh points too, or whose loss falls no further."""
        objective = targets.objective
        enough = -1.0 if objective.tolerance is None else objective.tolerance**2
        within = targets.accepted & (targets.linearisation.residuals.square().sum(-1) <= enough)
        fresh = objective.fresh_misfit(targets.z) if within.any() else torch.full_like(targets.mu, torch.inf)
        for k, state in targets.at(targets.accepted):
            if within[k]:
                state.fresh.append(float(fresh[k]))
            if within[k] and fresh[k] <= enough:
                state.status = Status.CONVERGED
            elif self._rests(state.losses) or self._rests(state.fresh):
                state.status = at_rest(objective)

    def _rests(self, losses: list[float]) -> bool:
        return len(losses) > self.patience and losses[-1] > (1 - self.decrease) * losses[-1 - self.patience]
