"""The offline stage: which members a family needs so that every coefficient of a range can be answered."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.equations.equation import Equation
from pacpinn.errors import PacpinnError
from pacpinn.reduced_basis.reduced_model import ReducedModel
from pacpinn.reduced_basis.snapshots import Snapshots, spanning
from pacpinn.solvers.base import Report
from pacpinn.sweep.numbering import SolvedTarget
from pacpinn.sweep.requests import TargetRequest
from pacpinn.sweep.sweep import sweep_targets
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import ParameterSpace, Range

log = logging.getLogger(__name__)

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


def refine(
    problem: Equation,
    members: Mapping[Coefficients, Solution],
    bases: Sequence[Base],
    goal: Refinement,
    most: int,
    settings: Settings,
    reporter: Callable[[Coefficients], Report],
) -> Iterator[tuple[SolvedTarget | None, Refinement]]:
    """Solve targets one by one, each where the error of an answer in the members' span is estimated largest.

    The greedy choice of reduced-basis methods (Veroy et al. 2003; Hesthaven, Rozza & Stamm 2016, section 3.2.2), with
    members calibrated by PAC from the nearest one. It ends when every estimate over the range is within the tolerance,
    when there are `most` members, or when the members' own errors are as large as what is estimated between them.

    Yields:
        Each target's solution with the bases there are then, and how far the refinement has come; at the end None.
    """
    _require_a_solved_member(problem, members.values())
    solved, grown = dict(members), list(bases)
    search = _MemberSearch(problem, goal, next(iter(members)), settings)
    search.add(solved.values(), grown)
    while (target := search.next_target()) is not None and len(search.snapshots.members) < most:
        for advance in sweep_targets(problem, solved, grown, TargetRequest((target,), len(solved)), settings, reporter):
            solved[target], grown = advance
            search.add([advance.solution], grown)
            yield advance, search.goal
    yield None, search.goal


class _MemberSearch:
    """The greedy choice: where the next member is needed, and how far the refinement has come.

    Args:
        problem: the family.
        goal: what to refine to.
        base: gives the coefficients that do not vary.
        settings: where to compute.
    """

    def __init__(self, problem: Equation, goal: Refinement, base: Coefficients, settings: Settings) -> None:
        self.problem, self.goal = problem, goal
        self.box = problem.space.box(goal.within)
        self.trials = self.box.at(self.box.grid(round(_TRIALS ** (1 / len(goal.within)))), base)
        self.snapshots = Snapshots(problem, self.trials, settings)
        self._failures = 0

    def add(self, solutions: Iterable[Solution], bases: Sequence[Base]) -> None:
        """Further members; those that are not solved are not tried again."""
        for each in solutions:  # one by one, as they came: a refinement that is resumed has the same bits
            self.trials = [c for c in self.trials if not c.close_to(each.coefficients)]
            if spanning([each]):
                self.snapshots.add([each], bases)
            else:
                self._failures += 1

    def next_target(self) -> Coefficients | None:
        """Where a member is needed most; None where none is, or none helps."""
        if self._failures >= _FAILURES:
            log.warning("%d targets could not be solved: no more are tried", self._failures)
            return None
        members = [each.coefficients for each in self.snapshots.members]
        reach = _reach(self.box, self.trials, members)
        if len(members) < 2 or (reach > _REACH).any():
            return self._farthest_in_reach(reach)
        return self._least_accurate()

    def _farthest_in_reach(self, reach: np.ndarray) -> Coefficients | None:
        if not self.trials:
            return None
        far = np.where(reach <= _REACH, reach, -reach)  # of those too far the nearest, if there is no other
        return self.trials[int(np.argmax(far))]

    def _least_accurate(self) -> Coefficients | None:
        if not self.trials:
            return None
        model, goal = ReducedModel(self.snapshots), self.goal
        estimates = [answer.error_estimate for answer in model.solve(self.trials)]
        worst = int(np.argmax(estimates))
        target, count = self.trials[worst], len(model.members)
        self.goal = replace(goal, rounds=[*goal.rounds, Round(count, estimates[worst], target)])
        log.info("%d members: %.1e at worst, at %s", count, estimates[worst], target)
        if estimates[worst] <= goal.tolerance:
            return None
        floor = max(model.member(k).error_estimate for k in range(count))
        if floor > goal.tolerance and estimates[worst] <= _FLOOR * floor:
            log.warning(
                "the members' own errors are estimated as %.1e: no further member helps; solve them to a smaller "
                "tolerance",
                floor,
            )
            return None
        return target


def _reach(box: ParameterSpace, cs: Sequence[Coefficients], members: Sequence[Coefficients]) -> np.ndarray:
    """How far each of `cs` lies from its nearest member: the largest part of any coefficient's range, ``(k,)``."""
    if not cs:
        return np.zeros(0)
    here, there = (box.places(each) for each in (cs, members))
    return np.abs(here[:, None] - there).max(axis=2).min(axis=1)


def _require_a_solved_member(problem: Equation, solutions: Iterable[Solution]) -> None:
    listed = list(solutions)
    if not spanning(listed):
        best = min(listed, key=lambda each: each.residual)
        raise PacpinnError(
            f"no member of {problem.name} is solved to a residual of {best.tolerance:.2g}: {best.coefficients} reaches "
            f"{best.residual:.2g}; ask for a larger tolerance, or give the problem more points or a wider network"
        )


def require_two(members: int) -> None:
    """Raise :class:`PacpinnError` unless there may be two members: one alone spans no range."""
    if members < 2:
        raise PacpinnError(f"members={members}; expected 2 or more, the source among them")
