"""What a family keeps of its problem beside the problem's file: sizes, and what escalation has changed."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from pacpinn.equations.equation import Equation
from pacpinn.equations.size_rule import SizeRule
from pacpinn.tasks.problem import Problem


class SizeLine(Struct, frozen=True):
    """Sizes along one coefficient, as :class:`SizeRule` has them: places, and numbers at each of them."""

    places: Sequence[float]
    numbers: Sequence[Sequence[float]]


class Changes(Struct, frozen=True, omit_defaults=True):
    """Attributes of an :class:`Equation` that one problem has to itself, as after escalation; None as in its class.

    Attributes:
        points: numbers of points in the domain, on its boundary and at the start.
        conditions_first, warm_up, horizons, hidden: as in :class:`Equation`.
    """

    points: tuple[int, int, int] | None = None
    conditions_first: bool | None = None
    warm_up: int | None = None
    horizons: tuple[float, ...] | None = None
    hidden: tuple[int, ...] | None = None


class ProblemState(Struct, frozen=True):
    """The state of an equation's family.

    Attributes:
        sizes: at the source, as :class:`SizeRule` has them.
        lines: along each coefficient in which members differ.
        blocks: names of the residual blocks.
        changes: what the problem has to itself.
    """

    sizes: Sequence[float]
    lines: dict[str, SizeLine]
    blocks: Sequence[str]
    changes: Changes


def problem_state(problem: Problem) -> ProblemState | None:
    """The state of a problem; None for one that is no equation."""
    if not isinstance(problem, Equation):
        return None
    rule = problem.size_rule
    lines = {
        name: SizeLine(places.tolist(), numbers.tolist()) for name, (places, numbers) in sorted(rule.lines.items())
    }
    return ProblemState(rule.at_source.tolist(), lines, rule.blocks, _changes(problem))


def _changes(problem: Equation) -> Changes:
    own, points = vars(problem), vars(problem).get("points")
    return Changes(
        points and (points.domain, points.boundary, points.initial),
        own.get("conditions_first"),
        own.get("warm_up"),
        tuple(own["horizons"]) if "horizons" in own else None,
        tuple(own["hidden"]) if "hidden" in own else None,
    )


def _require_fit(problem: Equation, state: ProblemState) -> None:
    count, own = len(state.sizes), 2 * len(problem.inputs) + 3 * len(problem.outputs)
    if count != own + len(state.blocks):
        raise ValueError(f"{count} sizes, expected {own} and one for each of {len(state.blocks)} residual blocks")
    for name, line in state.lines.items():
        widths = {count, *map(len, line.numbers)}
        if len(widths) > 1 or not 0 < len(line.places) == len(line.numbers) or name not in problem.coefficients:
            raise ValueError(f"sizes along {name} are not as many as at the source, at each of its places")
    if min((*(state.changes.points or ()), *(state.changes.hidden or ())), default=0) < 0:
        raise ValueError("a number of points or a width below 0")


def restored(problem: Problem, state: ProblemState | None) -> Problem:
    """A copy of a problem in a state; without one as in version 0.1, which had no sizes.

    Raises:
        ValueError: if the state is none of such an equation.
    """
    if not isinstance(problem, Equation):
        return problem
    if state is None:
        return problem.without_sizes()
    _require_fit(problem, state)
    other = copy.copy(problem)
    lines = {name: (np.array(each.places), np.array(each.numbers)) for name, each in state.lines.items()}
    other.size_rule = SizeRule(problem, np.array(state.sizes), lines, state.blocks)
    changes = {name: value for name, value in asdict(state.changes).items() if value is not None}
    if counts := state.changes.points:
        domain, boundary, initial = counts
        changes["points"] = replace(problem.points, domain=domain, boundary=boundary, initial=initial)
    vars(other).update(changes)
    return other
