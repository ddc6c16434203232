"""Solve all targets of a request: from which member each one starts is decided by the request alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.solution import Base, Solution, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.solvers.base import Report, Status
from pacpinn.sweep.pools import PoolOf, SerialPool
from pacpinn.sweep.requests import TargetRequest
from pacpinn.sweep.starts import ChainStarts, SpineStarts, Starts
from pacpinn.sweep.target_tree import nearest_neighbour_tree, spine_and_ribs
from pacpinn.sweep.tree_run import TargetEdge, TargetTree, run_tree
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem


class SolvedTarget(NamedTuple):
    """A target's solution, and the bases of the family with it: its index of a base counts these."""

    solution: Solution
    bases: list[Base]


def sweep_targets(
    context: StepContext,
    solutions: Mapping[Coefficients, Solution],
    request: TargetRequest,
    reporter: Callable[[Coefficients], Report],
    pool_of: PoolOf | None = None,
) -> Iterator[SolvedTarget]:
    """Solve the targets of a request that are not solved yet, each from a member near it.

    A sweep that was interrupted goes on where it was, along the same tree.

    Args:
        context: the family's problem, all of its bases, and its settings.
        solutions: the family's: its members before the request, then the targets that an interrupted sweep has solved.
        request: the targets, and the shape of their tree: a chain, or a spine.
        reporter: gives for a target the function that is called with step and loss.
        pool_of: where the steps of a spine are taken; by default in this process, as those of a chain always are.

    Yields:
        The solution of each target, and the bases that there are then.
    """
    problem, bases, _ = context
    listed = list(solutions.values())
    before = listed[: request.begun]
    context = context._replace(bases=bases[: 1 + max(each.base for each in before)])
    done = {each.coefficients: _result(each, bases, len(context.bases)) for each in listed[request.begun :]}
    roots = roots_of(before, bases)
    steps = steps_of(problem, list(roots), request)
    starts: Starts = (
        ChainStarts(problem, roots, [target for step in steps for _, target in step])
        if request.in_chain
        else SpineStarts(problem, roots, bases)
    )
    pool = SerialPool(context, reporter) if pool_of is None or request.in_chain else pool_of(context)
    yield from number_bases(run_tree(TargetTree(roots, steps), starts, pool, done), bases)


def roots_of(solutions: Sequence[Solution], bases: Sequence[Base]) -> dict[Coefficients, SolutionOnBase]:
    """The members from which targets start; if none is solved, what the family's first base itself solves.

    That base is the source's own, or, for a source that could not be solved, that of a target which could.
    """
    members = {each.coefficients: SolutionOnBase(each, bases[each.base]) for each in solutions}
    first = bases[0]
    if any(each.solved for each in members.values()) or first.coefficients in members:
        return members
    own = replace(solutions[0], coefficients=first.coefficients, z=first.masked.start, status=Status.CONVERGED, base=0)
    return {first.coefficients: SolutionOnBase(replace(own, parent=None), first)}


def steps_of(problem: Problem, roots: Sequence[Coefficients], request: TargetRequest) -> list[Sequence[TargetEdge]]:
    """The steps of a request: edges ``(parent, target)`` in the order of the family's members, a batch in each step."""
    all_of_them = [*roots, *request.targets]
    places = problem.space.places(roots), problem.space.places(request.targets)
    waves = [[edge] for edge in nearest_neighbour_tree(*places)] if request.in_chain else spine_and_ribs(*places)
    named = [[(all_of_them[parent], all_of_them[target]) for parent, target in wave] for wave in waves]
    return [wave[i : i + request.batch] for wave in named for i in range(0, len(wave), request.batch)]


def _result(solution: Solution, bases: Sequence[Base], first: int) -> StepResult:
    """A solution as the result of its step: the bases from `first` up to its own were grown on the way to it."""
    return StepResult(SolutionOnBase(solution, bases[solution.base]), tuple(bases[first : solution.base + 1]))


def number_bases(results: Iterable[StepResult], bases: Sequence[Base]) -> Iterator[SolvedTarget]:
    """Each result with the index of its base among those of the family, new ones after the others as they come."""
    for found, grown in results:
        bases = [*bases, *(each for each in grown if each not in bases)]
        yield SolvedTarget(replace(found.solution, base=bases.index(found.base)), bases)


def reorder_bases(solutions: Sequence[Solution], bases: Sequence[Base]) -> tuple[list[Solution], list[Base]]:
    """The bases in the order in which the solutions first build on them, unused ones last; and the solutions with
    their new indices. Both are the same in whatever order the steps have finished."""
    used = list(dict.fromkeys([each.base for each in solutions] + list(range(len(bases)))))
    index = {old: new for new, old in enumerate(used)}
    return [replace(each, base=index[each.base]) for each in solutions], [bases[old] for old in used]
