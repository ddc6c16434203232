"""The greedy choice of members: the offline stage, until any coefficient of a range can be answered."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from pacpinn.continuation.settings import Settings, StepContext
from pacpinn.continuation.solution import Base, Solution
from pacpinn.equations.equation import Equation
from pacpinn.errors import PacpinnError
from pacpinn.reduced_basis.reduced_model import ReducedModel
from pacpinn.reduced_basis.snapshots import Snapshots, spanning
from pacpinn.solvers.base import Report
from pacpinn.sweep.requests import TargetRequest
from pacpinn.sweep.sweep import SolvedTarget, sweep_targets
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.coefficient_lookup import CoefficientLookup
from pacpinn.tasks.parameter_space import ParameterSpace, Range

log = logging.getLogger(__name__)

_TRAINING_SET = 512  # coefficients at which the error is estimated, about
_REACH = 0.5  # of the range: the largest distance of a new member from its nearest member
_FAILURES = 3  # unsolved targets after which no more are tried
_FLOOR = 1.2  # times the members' own errors: estimates below are not lowered by further members
OF_TOLERANCE = 0.5  # members are solved to this part of the tolerance: the rest is for the answers between them


class Round(NamedTuple):
    """One round of the greedy choice.

    Attributes:
        members: number of members.
        estimate: the largest estimated error over the range, relative to the solution.
        at: the coefficients with this estimate.
    """

    members: int
    estimate: float
    at: Coefficients


@dataclass(frozen=True)
class Refinement:
    """The refinement of a family over a range.

    Attributes:
        within: the ends of each coefficient's range.
        tolerance: the relative error asked for.
        rounds: the largest estimate in each round.
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
        """Whether the largest estimated error is within the tolerance."""
        return self.reached <= self.tolerance


def refine(
    problem: Equation,
    members: Mapping[Coefficients, Solution],
    bases: Sequence[Base],
    goal: Refinement,
    most: int,
    settings: Settings,
    reporter: Callable[[Coefficients], Report],
) -> Iterator[tuple[SolvedTarget | None, Refinement]]:
    """Solve targets one by one, always where the error of an answer in the members' span is estimated largest.

    Every target is calibrated by PAC from the nearest member. The choice ends when all estimates over the range are
    within the tolerance, when there are `most` members, when the members' own errors are as large as the estimates, or
    when several targets could not be solved.

    Yields:
        A target's solution with the bases at that time, or None at the end; and how far the refinement has come.
    """
    _require_a_solved_member(problem, members.values())
    box = problem.space.box(goal.within)
    training_set = box.at(box.grid(round(_TRAINING_SET ** (1 / len(box.within)))), next(iter(members)))

    def solve(target: Coefficients, grown: FamilySurrogate) -> Iterator[SolvedTarget]:
        request = TargetRequest((target,), len(grown.tried))
        return sweep_targets(StepContext(problem, grown.bases, settings), grown.tried, request, reporter)

    surrogate = FamilySurrogate(Snapshots(problem, training_set, settings), bases, solve)
    for solution in members.values():  # one by one, in their order: a resumed refinement has the same bits
        surrogate.add(solution)
    return weak_greedy(surrogate, box, training_set, goal, most)


class FamilySurrogate:
    """The reduced model of a family that grows: the greedy loop evaluates and extends it.

    Args:
        snapshots: the points, without members.
        bases: of the family.
        solve: solves a target, starting from the solutions that the surrogate has.
    """

    def __init__(
        self,
        snapshots: Snapshots,
        bases: Sequence[Base],
        solve: Callable[[Coefficients, FamilySurrogate], Iterator[SolvedTarget]],
    ) -> None:
        self.tried: dict[Coefficients, Solution] = {}
        self.bases, self._snapshots, self._solve = list(bases), snapshots, solve

    @property
    def members(self) -> list[Coefficients]:
        """Coefficients of the members that span the reduced basis."""
        return [each.coefficients for each in self._snapshots.members]

    def model(self) -> ReducedModel:
        """The reduced model of the present members."""
        return ReducedModel(self._snapshots)

    def add(self, solution: Solution) -> None:
        """Add a solution: as a member if it is solved, or nearly, else as tried."""
        self.tried[solution.coefficients] = solution
        self._snapshots.add(spanning([solution]), self.bases)

    def extend(self, target: Coefficients) -> Iterator[SolvedTarget]:
        """Solve a further target and add it."""
        for result in self._solve(target, self):
            self.bases = result.bases
            self.add(result.solution)
            yield result


def weak_greedy(
    surrogate: FamilySurrogate, box: ParameterSpace, training_set: Sequence[Coefficients], goal: Refinement, most: int
) -> Iterator[tuple[SolvedTarget | None, Refinement]]:
    """Extend the surrogate where its estimated error is largest, until the goal is reached or nothing helps.

    The weak greedy algorithm of reduced-basis methods (Veroy et al. 2003; Hesthaven, Rozza & Stamm 2016, section
    3.2.2). Estimates say little while members lie far apart, and far targets are hard to solve. So members first cover
    the range: the next target is the farthest one in reach of a member.

    Args:
        surrogate: is extended in place.
        box: the range.
        training_set: coefficients of the range at which errors are estimated.
        goal: the tolerance, and the rounds so far.
        most: largest number of members.

    Yields:
        As :func:`refine`.
    """
    target, goal = _next_target(surrogate, box, training_set, goal)
    while target is not None and len(surrogate.members) < most:
        for result in surrogate.extend(target):
            yield result, goal
        target, goal = _next_target(surrogate, box, training_set, goal)
    yield None, goal


def _next_target(
    surrogate: FamilySurrogate, box: ParameterSpace, training_set: Sequence[Coefficients], goal: Refinement
) -> tuple[Coefficients | None, Refinement]:
    """Where a member is needed most, and the goal with the round that found it.

    None in place of the target where no further member is needed, or would help.
    """
    failures = len(surrogate.tried) - len(surrogate.members)
    if failures >= _FAILURES:
        log.warning(
            "%d targets could not be solved, and no more are tried: give the problem more points or a wider network, "
            "or refine a smaller range",
            failures,
        )
        return None, goal
    candidates = _untried(training_set, surrogate.tried)
    if not candidates:
        return None, goal
    reach = _reach(box, candidates, surrogate.members)
    if len(surrogate.members) < 2 or (reach > _REACH).any():
        order = np.where(reach <= _REACH, reach, -reach)  # the farthest in reach; if all are too far, the nearest
        return candidates[int(np.argmax(order))], goal
    return _least_accurate(candidates, surrogate.model(), goal)


def _untried(cs: Sequence[Coefficients], tried: Iterable[Coefficients]) -> list[Coefficients]:
    known = CoefficientLookup((c, True) for c in tried)
    return [c for c in cs if not known.get(c)]


def _least_accurate(
    candidates: Sequence[Coefficients], model: ReducedModel, goal: Refinement
) -> tuple[Coefficients | None, Refinement]:
    """The candidate with the largest estimated error, and the goal with this round.

    None in place of the candidate where no further member is needed, or would help.
    """
    estimates = [answer.error_estimate for answer in model.solve(candidates)]
    worst = int(np.argmax(estimates))
    target, estimate, count = candidates[worst], estimates[worst], len(model.members)
    goal = replace(goal, rounds=[*goal.rounds, Round(count, estimate, target)])
    log.info("%d members: the largest estimated error is %.1e, at %s", count, estimate, target)
    if estimate <= goal.tolerance:
        return None, goal
    floor = max(model.member(k).error_estimate for k in range(count))
    if floor > goal.tolerance and estimate <= _FLOOR * floor:
        log.warning(
            "the members' own errors are estimated as %.1e: no further member helps; solve them to a smaller tolerance",
            floor,
        )
        return None, goal
    return target, goal


def _reach(box: ParameterSpace, cs: Sequence[Coefficients], members: Sequence[Coefficients]) -> np.ndarray:
    """Distance of each of `cs` from its nearest member, the largest part of any coefficient's range, ``(k,)``."""
    places, of_members = (box.places(each) for each in (cs, members))
    return np.abs(places[:, None] - of_members).max(axis=2).min(axis=1)


def _require_a_solved_member(problem: Equation, solutions: Iterable[Solution]) -> None:
    listed = list(solutions)
    if not spanning(listed):
        best = min(listed, key=lambda each: each.residual)
        raise PacpinnError(
            f"no member of {problem.name} is solved to a residual of {best.tolerance:.2g}: {best.coefficients} reaches "
            f"{best.residual:.2g}; ask for a larger tolerance, or give the problem more points or a wider network"
        )


def require_two(members: int) -> None:
    """Raise :class:`PacpinnError` if fewer than two members are allowed: a single member spans no range."""
    if members < 2:
        raise PacpinnError(f"members={members}; expected 2 or more, the source among them")
