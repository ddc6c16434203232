"""The predictor of the continuation: the weights at which the solve of a target starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pacpinn.continuation.solution import SolutionOnBase
from pacpinn.networks.objective import Objective
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem


class PathSegment(NamedTuple):
    """A straight path through coefficient space, from a solved member to a target.

    Attributes:
        start: the member.
        target: the coefficients at the other end.
        before: another member near the start; the line through both is the secant. None if there is none.
    """

    start: SolutionOnBase
    target: Coefficients
    before: SolutionOnBase | None = None


def secant_predictor(problem: Problem, objective: Objective, segments: Sequence[PathSegment]) -> Tensor:
    """Weights ``(targets, p)`` to start from: on each segment's secant if the loss is smaller there, else its start's.

    The weights also drift along directions that do not change the solution; the secant then misses the target.
    """
    starts = torch.stack([each.start.solution.z for each in segments])
    if objective.tolerance is None or not any(map(_has_secant, segments)):
        return starts
    on_secants = torch.stack([_on_secant(problem, each) for each in segments])
    losses = [objective.linearise(z).residuals.square().sum(-1) for z in (starts, on_secants)]
    return torch.where((losses[1] < losses[0])[:, None], on_secants, starts)


def _has_secant(segment: PathSegment) -> bool:
    """Weights of different bases cannot be joined by a line."""
    return segment.before is not None and segment.before.base == segment.start.base


def _on_secant(problem: Problem, segment: PathSegment) -> Tensor:
    """The secant at the target; the start's weights if there is no secant."""
    start, target, before = segment
    z = start.solution.z
    if before is None or not _has_secant(segment):
        return z
    share = problem.space.beyond(before.coefficients, start.coefficients, target)
    return z + share * (z - before.solution.z)
