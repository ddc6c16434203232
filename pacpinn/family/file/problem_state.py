"""What a family keeps of its problem beside the problem's file: sizes, and what escalation has changed."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from pacpinn.equations.collocation import Points
from pacpinn.equations.equation import Equation
from pacpinn.equations.size_rule import SizeRule
from pacpinn.tasks.problem import Problem


class SizeLine(Struct, frozen=True):
    """Sizes along one coefficient, as :class:`SizeRule` has them: places, and numbers at each of them."""

    places: Sequence[float]
    numbers: Sequence[Sequence[float]]


class ProblemState(Struct, frozen=True):
    """The state of an equation's family.

    Attributes:
        sizes: at the source, as :class:`SizeRule` has them.
        lines: along each coefficient in which members differ.
        blocks: names of the residual blocks.
        points: numbers of points in the domain, on its boundary and at the start.
        adaptive, hidden: attributes of :class:`Equation`.
    """

    sizes: Sequence[float]
    lines: dict[str, SizeLine]
    blocks: Sequence[str]
    points: tuple[int, int, int]
    adaptive: int
    hidden: Sequence[int]


def problem_state(problem: Problem) -> ProblemState | None:
    """The state of a problem; None for one that is no equation."""
    if not isinstance(problem, Equation):
        return None
    rule, points = problem.size_rule, problem.points
    lines = {
        name: SizeLine(places.tolist(), numbers.tolist()) for name, (places, numbers) in sorted(rule.lines.items())
    }
    counts = points.domain, points.boundary, points.initial
    return ProblemState(rule.at_source.tolist(), lines, rule.blocks, counts, problem.adaptive, list(problem.hidden))


def restored(problem: Problem, state: ProblemState | None) -> Problem:
    """A copy of a problem in a state; without one as in version 0.1, which had no sizes."""
    if not isinstance(problem, Equation):
        return problem
    other = copy.copy(problem)
    if state is None:
        other.size_rule = SizeRule.unit(problem)
        return other
    lines = {name: (np.array(each.places), np.array(each.numbers)) for name, each in state.lines.items()}
    other.size_rule = SizeRule(problem, np.array(state.sizes), lines, state.blocks)
    points = Points(*state.points, problem.points.distribution)
    vars(other).update(points=points, adaptive=state.adaptive, hidden=tuple(state.hidden))
    return other
