"""The targets of one Levenberg-Marquardt solve, and which of them still run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from pacpinn.networks.objective import Linearisation, Objective
from pacpinn.solvers.base import Result, Status
from pacpinn.solvers.normal_equations import NormalEquations, cost
from pacpinn.solvers.sampled_normal_equations import Sample, SampledNormalEquations, takes_samples

_LEAST_DAMPING = 1e-6  # of the first damping, however near the solution

AnyNormalEquations = NormalEquations | SampledNormalEquations


@dataclass
class TargetState:
    """The solve of one target so far."""

    z: Tensor
    losses: list[float]  # at the start and after each accepted step
    fresh: list[float] = field(default_factory=list)  # losses on fresh points, once within the tolerance
    steps: int = 0  # rejected ones counted
    status: Status | None = None  # None while it runs


class Trial(NamedTuple):
    """The outcome of one step for k targets."""

    z: Tensor  # free weights after the step; those before it if it was rejected
    linearisation: Linearisation  # at the trial points
    accepted: Tensor  # whether the cost fell
    whole: Tensor  # whether it fell at the step's whole length
    costs: Tensor  # at the trial points


class RunningTargets:
    """Targets that are solved in the same steps, from `z` ``(k, p)``; every tensor has a row for each target present.

    Targets that have ended keep their rows until half of the rows belong to such targets. Then :meth:`compact` removes
    them, which costs a new linearisation. `damping` is the first damping of a target far from its solution; near it,
    times the root mean square residual.
    """

    def __init__(self, objective: Objective, z: Tensor, damping: float) -> None:
        self.objective, self.z = objective, z
        self.linearisation = objective.linearise(z)  # at the latest trial points; at `z` where `accepted`
        self.linearisation.require_finite()
        costs = cost(self.linearisation.residuals, distance(objective, z), objective.penalty)
        self.states = [TargetState(start, [loss]) for start, loss in zip(z, costs.tolist(), strict=True)]
        self.mu = damping * costs.sqrt().clamp(_LEAST_DAMPING, 1)
        self.accepted = torch.ones_like(costs, dtype=torch.bool)  # which targets moved in the latest step
        self._all_states = self.states
        self._normal: AnyNormalEquations | None = None

    @property
    def running(self) -> Tensor:
        """Mask ``(k,)`` of the targets that have not ended."""
        return torch.tensor([state.status is None for state in self.states], device=self.z.device)

    def compact(self) -> None:
        """Remove the targets that have ended once they are half of those present."""
        running = self.running
        if 2 * int(running.sum()) > len(self.states):
            return
        left = running.nonzero()[:, 0]
        self.states = [self.states[k] for k in left.tolist()]
        self.objective, self.z = self.objective.only(left), self.z[left]
        self.mu, self.accepted = self.mu[left], self.accepted[left]
        self.linearisation = self.objective.linearise(self.z)
        if isinstance(self._normal, NormalEquations):  # samples serve single targets, which are never removed
            self._normal = self._normal.only(left)

    def normal_equations(self) -> AnyNormalEquations:
        """The least-squares problems at `z`; a target whose step was rejected keeps its problem."""
        delta = distance(self.objective, self.z)
        if self._normal is None:
            self._normal = _normal_equations(self.linearisation, delta, self.objective)
        else:
            self._normal = self._normal.moved(self.accepted, self.linearisation, delta)
        return self._normal

    def take(self, trial: Trial, step: int) -> None:
        """Move the targets whose step was accepted, and count the step for all that run."""
        self.z, self.linearisation, self.accepted = trial.z, trial.linearisation, trial.accepted
        for k, state in self.at(self.running):
            state.steps = step
            if trial.accepted[k]:
                state.z = trial.z[k]
                state.losses.append(float(trial.costs[k]))

    def at(self, mask: Tensor) -> Iterator[tuple[int, TargetState]]:
        """Places and states of the targets present for which `mask` ``(k,)`` is true."""
        return ((k, self.states[k]) for k in mask.nonzero()[:, 0].tolist())

    def results(self, seconds: float) -> list[Result]:
        """The results of all targets, also of removed ones; every result has an equal share of the `seconds`."""
        share = seconds / len(self._all_states)
        ended = ((state, state.status or Status.MAX_STEPS) for state in self._all_states)
        return [Result(state.z, status, state.steps, share, state.losses) for state, status in ended]


def distance(objective: Objective, z: Tensor) -> Tensor:
    """The weights less the penalty's centre, in double precision."""
    return (z - objective.centre).double()


def _normal_equations(linearisation: Linearisation, delta: Tensor, objective: Objective) -> AnyNormalEquations:
    """With a formed Jacobian; or from samples, if the Jacobian is large and can be kept in factors."""
    residuals, penalty = linearisation.residuals, objective.penalty
    if takes_samples(residuals.shape[-1], delta.shape[-1]) and linearisation.factored is not None:
        return SampledNormalEquations(linearisation.factored, residuals, delta, penalty, Sample(seed=objective.seed))
    return NormalEquations(linearisation.jacobian, residuals, delta, penalty)
