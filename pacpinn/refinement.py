"""The offline stage: which members a family needs so that every coefficient of a range can be answered."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from pacpinn.coefficient import Coefficients
from pacpinn.continuation import Advance
from pacpinn.equation import Equation
from pacpinn.errors import CoefficientError, PacpinnError
from pacpinn.reduced.online import Online
from pacpinn.reduced.snapshots import Snapshots, spanning
from pacpinn.settings import Settings
from pacpinn.solution import Base, Solution
from pacpinn.solvers import Report
from pacpinn.walk import walk

log = logging.getLogger(__name__)

Range = Mapping[str, tuple[float, float]]

_TRIALS = 512  # coefficients at which the error is estimated
_REACH = 0.5  # of the range: how far from a member the next one may lie
_FAILURES = 3  # targets that may end unsolved before no more are tried
_FLOOR = 1.2  # times the members' own errors: no further member lowers what is estimated by more
OF_TOLERANCE = 0.5  # what members are solved to, so that there is room for what lies between them


class Round(NamedTuple):
    """One round of the greedy choice.

    Attributes:
        members: how many there were.
        estimate: the largest estimated error over the range, relative to the solution.
        at: where.
    """

    members: int
    estimate: float
    at: Coefficients


@dataclass(frozen=True)
class Refinement:
    """What a family was refined to.

    Attributes:
        within: the ends of each coefficient's range.
        tolerance: the relative error asked for.
        rounds: how the largest estimate fell.
    """

    within: Range
    tolerance: float
    rounds: Sequence[Round] = ()

    @property
    def reached(self) -> float:
        """The largest estimated error at the end."""
        return self.rounds[-1].estimate if self.rounds else math.inf

    @property
    def done(self) -> bool:
        """Whether that is within the tolerance."""
        return self.reached <= self.tolerance


def checked_range(problem: Equation, within: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[float, float]]:
    """The ends of each coefficient's range as numbers.

    Raises:
        CoefficientError: if a range is empty or reversed, or a coefficient unknown or out of its own range.
    """
    ends = {}
    for name, (low, high) in within.items():
        low, high = (problem.at({name: end})[name] for end in (low, high))
        if not low < high:
            raise CoefficientError(f"the range {name}={low:g}:{high:g} is empty; expected low < high")
        ends[name] = (low, high)
    if not ends:
        raise CoefficientError(
            f"no range given for {problem.name}; expected one for at least one of: {', '.join(problem.coefficients)}"
        )
    return ends


def refine(
    problem: Equation,
    members: Mapping[Coefficients, Solution],
    bases: Sequence[Base],
    goal: Refinement,
    most: int,
    settings: Settings,
    reporter: Callable[[Coefficients], Report],
) -> Iterator[tuple[Advance | None, Refinement]]:
    """Solve targets one by one, each where the error of an answer in the members' span is estimated largest.

    The greedy choice of reduced-basis methods (Veroy et al. 2003; Hesthaven, Rozza & Stamm 2016, section 3.2.2), with
    members calibrated by PAC from the nearest one. It ends when every estimate over the range is within the tolerance,
    when there are `most` members, or when the members' own errors are as large as what is estimated between them.

    Yields:
        Each target's solution with the bases there are then, and how far the refinement has come; at the end None.
    """
    solved, grown, given_up = dict(members), list(bases), list[Coefficients]()
    base = next(iter(members))
    if not spanning(solved.values()):
        best = min(solved.values(), key=lambda each: each.residual)
        raise PacpinnError(
            f"no member of {problem.name} is solved to a residual of {best.tolerance:.2g}: {best.coefficients} reaches "
            f"{best.residual:.2g}; ask for a larger tolerance, or give the problem more points or a wider network"
        )
    trials = _trials(problem, goal.within, base)
    snapshots = Snapshots(problem, trials, settings)
    snapshots.add(spanning(solved.values()), grown)
    while True:
        candidates = [c for c in trials if not any(c.close_to(other) for other in [*solved, *given_up])]
        reach = _Reach(problem, goal.within, [each.coefficients for each in snapshots.members])
        out_of_reach = [c for c in candidates if reach(c) > _REACH]
        if out_of_reach or len(snapshots.members) < 2:
            near = [c for c in candidates if reach(c) <= _REACH]
            target = max(near, key=reach) if near else min(candidates, key=reach, default=None)
        else:
            online = Online(snapshots)
            estimates = [answer.error_estimate for answer in online.solve(candidates)]
            worst = int(np.argmax(estimates))
            target = candidates[worst]
            goal = replace(goal, rounds=[*goal.rounds, Round(len(online.members), estimates[worst], target)])
            log.info("%d members: %.1e at worst, at %s", len(online.members), estimates[worst], target)
            if estimates[worst] <= goal.tolerance:
                break
            floor = max(online.member(k).error_estimate for k in range(len(online.members)))
            if floor > goal.tolerance and estimates[worst] <= _FLOOR * floor:
                log.warning(
                    "the members' own errors are estimated as %.1e: no further member helps; solve them to a smaller "
                    "tolerance",
                    floor,
                )
                break
        if target is None or len(snapshots.members) >= most:
            break
        if len(given_up) >= _FAILURES:
            log.warning("%d targets could not be solved: no more are tried", len(given_up))
            break
        for advance in walk(problem, solved, grown, [target], settings, reporter):
            solved[target], grown = advance
            snapshots.add(spanning([advance.solution]), grown)
            if not spanning([advance.solution]):
                given_up.append(target)
            yield advance, goal
    yield None, goal


def _trials(problem: Equation, within: Range, base: Coefficients) -> list[Coefficients]:
    """A regular grid over the range, even in each coefficient's own scale, its corners included."""
    axes = []
    for name, ends in within.items():
        coefficient = problem.coefficients[name]
        low, high = (coefficient.position(end) for end in ends)
        places = np.linspace(low, high, round(_TRIALS ** (1 / len(within))))
        axes.append([ends[0], *(coefficient.value_at(place) for place in places[1:-1]), ends[1]])
    return [Coefficients(**{**base, **dict(zip(within, values, strict=True))}) for values in itertools.product(*axes)]


class _Reach:
    """How far a coefficient lies from the nearest of some members: the largest part of any coefficient's range."""

    def __init__(self, problem: Equation, within: Range, members: Sequence[Coefficients]) -> None:
        self.scales = [(problem.coefficients[name], *ends) for name, ends in within.items()]
        self.members = np.array([self._place(c) for c in members])

    def __call__(self, c: Coefficients) -> float:
        return float(np.abs(self.members - self._place(c)).max(axis=1).min())

    def _place(self, c: Coefficients) -> list[float]:
        return [
            (each.position(c[each.name]) - each.position(low)) / (each.position(high) - each.position(low))
            for each, low, high in self.scales
        ]


def require_equation(problem: object) -> Equation:
    """The problem as an equation.

    Raises:
        PacpinnError: if it is none.
    """
    if not isinstance(problem, Equation):
        raise PacpinnError(
            f"{getattr(problem, 'name', problem)} is no equation: what lies between its members cannot be solved for; "
            "calibrate the coefficients you need with solve_family(targets=...) or family.extend([...])"
        )
    return problem
