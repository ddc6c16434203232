"""From the members there are to all targets: one by one along a chain, or in wavefronts of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from pacpinn.coefficient import Coefficients
from pacpinn.continuation import Advance, advance, looked_back
from pacpinn.first_guess import Leg
from pacpinn.problem import Problem
from pacpinn.settings import Settings
from pacpinn.solution import Base, Solution
from pacpinn.solvers import Report, Status
from pacpinn.tree import nearest_neighbour_tree, spine_and_ribs
from pacpinn.wavefront import calibrate_together

Edge = tuple[Coefficients, Coefficients]


def walk(
    problem: Problem,
    members: Mapping[Coefficients, Solution],
    bases: Sequence[Base],
    targets: Sequence[Coefficients],
    settings: Settings,
    reporter: Callable[[Coefficients], Report],
    done: Mapping[Coefficients, Solution] | None = None,
    all_bases: Sequence[Base] = (),
) -> Iterator[Advance]:
    """Solve all targets, each from a member near it; which one the list of targets and the batch size decide alone.

    A walk that was interrupted goes on where it was, along the same tree.

    Args:
        problem, bases, settings: the family's. One by one targets go along their nearest-neighbour tree; if the
            settings name a batch, a few go ahead, and the others follow from those, so many at once.
        members: what is solved already.
        targets: what is not.
        reporter: gives for a target what is called with step and loss.
        done: those of the targets that an interrupted walk has solved, if it is to go on.
        all_bases: the bases that there were then.

    Yields:
        Each other target's solution, and the bases there are then.
    """
    solved, grown, batch, done = dict(members), list(bases), settings.batch or 1, done or {}
    for wave in _wavefronts(problem, list(members), targets, batch):
        legs = [_leg(problem, solved, *edge) for edge in wave]
        for _, of_one_base in groupby(sorted(legs, key=_base), key=_base):
            for group in _batches(list(of_one_base), batch):
                if all(leg.target in done for leg in group):
                    solved |= {leg.target: done[leg.target] for leg in group}
                    grown = list(all_bases[: max(len(grown), *(done[leg.target].base + 1 for leg in group))])
                    continue
                tried = _first_tries(problem, grown, group, settings, reporter)
                for leg, first in zip(group, tried, strict=True):
                    if first is None or first.status is not Status.CONVERGED:
                        advanced = advance(
                            problem, grown, leg.start, leg.target, settings, reporter(leg.target), leg.before
                        )
                        solution, grown = _with_effort_of(first, advanced.solution), advanced.bases
                    else:
                        solution = looked_back(problem, grown, leg, first, settings)
                    solved[leg.target] = solution
                    if leg.target not in done:  # of a batch that was interrupted, all are solved again
                        yield Advance(solution, grown)


def _wavefronts(
    problem: Problem, members: Sequence[Coefficients], targets: Sequence[Coefficients], batch: int
) -> list[list[Edge]]:
    if batch > 1:
        return spine_and_ribs(members, targets, problem.distance)
    return [[edge] for edge in nearest_neighbour_tree(members, targets, problem.distance)]


def _leg(problem: Problem, solved: Mapping[Coefficients, Solution], parent: Coefficients, target: Coefficients) -> Leg:
    """From the parent, or the first of its ancestors that is solved: what is not solved is no place to start from."""
    start = solved[parent]
    while start.parent is not None and start.status is not Status.CONVERGED:
        start = solved[start.parent]
    others = [each for each in solved.values() if each.base == start.base and each is not start]
    others = [each for each in others if each.status is Status.CONVERGED]
    before = min(others, key=lambda each: problem.distance(each.coefficients, target), default=None)
    return Leg(start, target, before)


def _batches(legs: Sequence[Leg], size: int) -> list[Sequence[Leg]]:
    return [legs[i : i + size] for i in range(0, len(legs), size)]


def _base(leg: Leg) -> int:
    return leg.start.base


def _first_tries(
    problem: Problem,
    bases: Sequence[Base],
    group: Sequence[Leg],
    settings: Settings,
    reporter: Callable[[Coefficients], Report],
) -> Sequence[Solution | None]:
    if len(group) == 1:
        return [None]
    return calibrate_together(problem, bases[_base(group[0])], group, settings, reporter(group[0].target))


def _with_effort_of(first: Solution | None, solution: Solution) -> Solution:
    """The solution with the steps and seconds of a first try that failed added to its own."""
    if first is None:
        return solution
    return replace(solution, steps=first.steps + solution.steps, seconds=first.seconds + solution.seconds)
