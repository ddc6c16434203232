"""Solve all targets of a request: from which member each one starts is decided by the request alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.solvers.base import Report
from pacpinn.sweep.numbering import SolvedTarget, number_bases
from pacpinn.sweep.pools import PoolOf, SerialPool
from pacpinn.sweep.requests import TargetRequest
from pacpinn.sweep.starts import ChainStarts, SpineStarts, TargetEdge
from pacpinn.sweep.target_tree import nearest_neighbour_tree, spine_and_ribs
from pacpinn.sweep.tree_run import TargetTree, run_tree
from pacpinn.sweep.tree_step import StepContext
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem


def sweep_targets(
    problem: Problem,
    members: Mapping[Coefficients, Solution],
    bases: Sequence[Base],
    request: TargetRequest,
    settings: Settings,
    reporter: Callable[[Coefficients], Report],
    done: Mapping[Coefficients, Solution] | None = None,
    all_bases: Sequence[Base] = (),
    pool_of: PoolOf | None = None,
) -> Iterator[SolvedTarget]:
    """Solve all targets of a request, each from a member near it.

    A sweep that was interrupted goes on where it was, along the same tree.

    Args:
        problem, bases, settings: the family's.
        members: the family's before the request.
        request: the targets, and the shape of their tree: a chain, or a spine.
        reporter: gives for a target the function that is called with step and loss.
        done: of a sweep that is resumed, the targets that are solved.
        all_bases: of a sweep that is resumed, the bases that there are.
        pool_of: where the steps of a spine are taken; by default in this process, as those of a chain always are.

    Yields:
        The solution of each target that is not done, and the bases that there are then.
    """
    all_bases = list(all_bases or bases)
    steps = steps_of(problem, list(members), request)
    context = StepContext(problem, bases, settings)
    edges = [edge for step in steps for edge in step]
    known = {c: SolutionOnBase(each, bases[each.base]) for c, each in members.items()}
    starts = (ChainStarts if request.in_chain else SpineStarts)(context, known, edges, all_bases)
    pool = SerialPool(context, reporter) if pool_of is None or request.in_chain else pool_of(context)
    resumed = {c: _result(each, all_bases, len(bases)) for c, each in (done or {}).items()}
    yield from number_bases(run_tree(TargetTree(members, steps), starts, pool, resumed), all_bases)


def steps_of(problem: Problem, members: Sequence[Coefficients], request: TargetRequest) -> list[Sequence[TargetEdge]]:
    """The steps of a request: edges ``(parent, target)`` in the order of the family's members, a batch in each step."""
    all_of_them = [*members, *request.targets]
    places = problem.space.places(members), problem.space.places(request.targets)
    waves = [[edge] for edge in nearest_neighbour_tree(*places)] if request.in_chain else spine_and_ribs(*places)
    named = [[(all_of_them[parent], all_of_them[target]) for parent, target in wave] for wave in waves]
    return [wave[i : i + request.batch] for wave in named for i in range(0, len(wave), request.batch)]


def _result(solution: Solution, all_bases: Sequence[Base], first: int) -> StepResult:
    """A solution as the result of its step: the bases from `first` up to its own were grown on the way to it."""
    return StepResult(SolutionOnBase(solution, all_bases[solution.base]), tuple(all_bases[first : solution.base + 1]))
