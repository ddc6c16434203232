"""Where the solve of a target starts: at its parent's weights, or farther along the secant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pacpinn.continuation.solution import Solution
from pacpinn.networks.objective import Objective
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem


class PathSegment(NamedTuple):
    """One way to go: from a solved member to a target.

    Attributes:
        start: the member.
        target: where to go.
        before: another member nearby, through which and the start a secant can be laid; None if there is none.
    """

    start: Solution
    target: Coefficients
    before: Solution | None = None


def secant_predictor(problem: Problem, objective: Objective, legs: Sequence[PathSegment]) -> Tensor:
    """Free weights ``(targets, p)`` to start from: each leg's start, or where its secant leads if the loss is smaller.

    The weights drift along directions that do not matter, so that a secant by itself would lead astray.
    """
    starts = torch.stack([leg.start.z for leg in legs])
    if objective.tolerance is None or not any(_has_secant(leg) for leg in legs):
        return starts
    ahead = torch.stack([_on_secant(problem, leg) for leg in legs])
    losses = [objective.linearise(z).residuals.square().sum(-1) for z in (starts, ahead)]
    return torch.where((losses[1] < losses[0])[:, None], ahead, starts)


def _has_secant(leg: PathSegment) -> bool:
    return leg.before is not None and leg.before.base == leg.start.base


def _on_secant(problem: Problem, leg: PathSegment) -> Tensor:
    start, target, before = leg
    if before is None or not _has_secant(leg):
        return start.z
    share = problem.space.beyond(before.coefficients, start.coefficients, target)
    return start.z + share * (start.z - before.z)
