"""The greedy choice of members: the offline stage, until any coefficient of a range can be answered."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
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
from pacpinn.tasks.coefficient import CoefficientIndex, Coefficients
from pacpinn.tasks.parameter_space import ParameterSpace, Range

log = logging.getLogger(__name__)

_TRAINING_SET = 512  # coefficients at which the error is estimated, about
_REACH = 0.5  # of the range: the largest distance of a new member from its nearest member
_FAILURES = 3  # unsolved targets after which no more are tried
_FLOOR = 1.2  # times the members' own errors: estimates below are not lowered by further members
OF_TOLERANCE = 0.5  # members are solved to this part of the tolerance: the rest is for the answers between them


class Round(NamedTuple):
    """A round of the greedy choice: number of members, largest estimated error relative to the solution, and where."""

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
    when several targets could not be solved. Yields a target's solution with the bases at that time, or None at the
    end; and how far the refinement has come.
    """
    solutions, first = list(members.values()), bases[0].coefficients
    if first in members:
        _require_spanning(problem, solutions)
    box = problem.space.box(goal.within)
    training_set = box.at(box.grid(round(_TRAINING_SET ** (1 / len(box.within)))), next(iter(members)))
    snapshots = Snapshots.over(problem, training_set, settings, goal.within)
    surrogate = FamilySurrogate(snapshots, list(bases), settings, reporter)
    for solution in solutions:  # one by one, in their order: a resumed refinement has the same bits
        surrogate.add(solution)
    return chain(_first_member(surrogate, first, goal), weak_greedy(surrogate, box, training_set, goal, most))


def _first_member(
    surrogate: FamilySurrogate, c: Coefficients, goal: Refinement
) -> Iterator[tuple[SolvedTarget, Refinement]]:
    """Where the source is not solved, what the family's first base solves, at `c`, is its first member."""
    if not surrogate.members:
        for result in surrogate.extend(c):
            yield result, goal
        _require_spanning(surrogate.snapshots.equation, list(surrogate.tried.values()))


def _require_spanning(problem: Equation, solutions: Sequence[Solution]) -> None:
    """Raise :class:`PacpinnError` if no member is solved, not even nearly: nothing spans a range."""
    if not spanning(solutions):
        best = min(solutions, key=lambda each: each.excess)
        assert best.tolerance is not None
        raise PacpinnError(
            f"no member of {problem.name} is solved to an error of {best.tolerance:.2g}: {best.coefficients} reaches "
            f"{best.excess * best.tolerance:.2g}; ask for a larger tolerance, or give the problem more points or a "
            "wider network"
        )


@dataclass
class FamilySurrogate:
    """The reduced model of a family that grows: the greedy loop evaluates and extends it."""

    snapshots: Snapshots
    bases: Sequence[Base]
    settings: Settings
    reporter: Callable[[Coefficients], Report]  # gives the callback that reports the solve of a target
    tried: dict[Coefficients, Solution] = field(default_factory=dict)  # with the solutions of unsolved targets

    @property
    def members(self) -> list[Coefficients]:
        """The members' coefficients."""
        return self.snapshots.coefficients

    def model(self) -> ReducedModel:
        """The reduced model of the present members."""
        return ReducedModel(self.snapshots)

    def add(self, solution: Solution) -> None:
        """Add a solution: as a member if it is solved, or nearly, else as tried."""
        self.tried[solution.coefficients] = solution
        self.snapshots = self.snapshots.extended(spanning([solution]), self.bases)

    def extend(self, target: Coefficients) -> Iterator[SolvedTarget]:
        """Solve a further target, starting from the solutions so far, and add it."""
        context = StepContext(self.snapshots.equation, self.bases, self.settings)
        request = TargetRequest((target,), len(self.tried))
        for result in sweep_targets(context, self.tried, request, self.reporter):
            self.bases = result.bases
            self.add(result.solution)
            yield result


def weak_greedy(
    surrogate: FamilySurrogate, box: ParameterSpace, training_set: Sequence[Coefficients], goal: Refinement, most: int
) -> Iterator[tuple[SolvedTarget | None, Refinement]]:
    """Extend the surrogate where its estimated error is largest, until the goal is reached or nothing helps.

    The weak greedy algorithm of reduced-basis methods (Veroy et al. 2003; Hesthaven, Rozza & Stamm 2016, section
    3.2.2), over a training set of coefficients in the box. Estimates say little while members lie far apart, and far
    targets are hard to solve. So members first cover the range: the next target is the farthest one in reach of a
    member. Yields as :func:`refine`.
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
    """Where a member is needed most, or None if no further one is needed or would help; the goal with a new round.

    Nothing is tried next to a target that could not be solved.
    """
    tried, members = CoefficientIndex(surrogate.tried), surrogate.members
    failed = [c for c in surrogate.tried if c not in set(members)]
    candidates = [c for c in training_set if tried.find(c) is None]
    if not candidates:
        return None, goal
    apart = np.abs(box.places(candidates)[:, None] - box.places(members)).max(axis=2)
    reach = apart.min(axis=1)  # the largest part of any coefficient's range
    allowed = _away_from(failed, members, candidates, box) & (len(failed) < _FAILURES)
    if allowed.any() and (len(members) < 2 or (reach > _REACH).any()):
        order = np.where(reach <= _REACH, reach, -reach)  # the farthest in reach; if all are too far, the nearest
        return candidates[int(np.argmax(np.where(allowed, order, -np.inf)))], goal
    if len(members) < 2:
        log.warning("no second target could be solved: refine a smaller range about %s", members[0])
        return None, goal
    return _least_accurate(candidates, allowed, surrogate.model(), goal)


def _away_from(
    failed: Sequence[Coefficients],
    members: Sequence[Coefficients],
    candidates: Sequence[Coefficients],
    box: ParameterSpace,
) -> np.ndarray:
    """Mask of the candidates that are no nearer to a failed target than half its distance to a member."""
    allowed = np.ones(len(candidates), dtype=bool)
    for c in failed:
        to_members, to_candidates = (
            np.abs(box.places(each) - box.places([c])).max(axis=1) for each in (members, candidates)
        )
        allowed &= to_candidates > to_members.min() / 2
    return allowed


def _least_accurate(
    candidates: Sequence[Coefficients], allowed: np.ndarray, model: ReducedModel, goal: Refinement
) -> tuple[Coefficients | None, Refinement]:
    """The allowed candidate whose answer has the largest estimated error, if any is above the tolerance."""
    estimates = np.array([answer.error_estimate for answer in model.solve(candidates)])
    worst, count = int(estimates.argmax()), len(model.members)
    goal = replace(goal, rounds=[*goal.rounds, Round(count, float(estimates[worst]), candidates[worst])])
    log.info("%d members: the largest estimated error is %.1e, at %s", count, estimates[worst], candidates[worst])
    if estimates[worst] <= goal.tolerance:
        return None, goal
    floor = max(model.member(k).error_estimate for k in range(count))
    if floor > goal.tolerance and estimates[worst] <= _FLOOR * floor:
        log.warning(
            "the members' own errors are estimated as %.1e: no further member helps%s",
            floor,
            _answered(estimates, goal),
        )
        return None, goal
    if not allowed.any():
        log.warning(
            "near %s no target could be solved, and no more are tried%s", candidates[worst], _answered(estimates, goal)
        )
        return None, goal
    return candidates[int(np.where(allowed, estimates, -np.inf).argmax())], goal


def _answered(estimates: np.ndarray, goal: Refinement) -> str:
    """How much of the range can be answered all the same."""
    share = float(np.mean(estimates <= goal.tolerance))
    return f"; {share:.0%} of the range is answered to {goal.tolerance:g}, and an answer elsewhere is refused"


def require_two(members: int) -> None:
    """Raise :class:`PacpinnError` if fewer than two members are allowed: a single member spans no range."""
    if members < 2:
        raise PacpinnError(f"members={members}; expected 2 or more, the source among them")
