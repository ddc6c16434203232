"""From the members there are to all targets: one by one along a chain, or from a spine of a few that go ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.continuation.step_control import SolvedTarget, continue_to
from pacpinn.solvers.base import Report, Status
from pacpinn.sweep.pools import Pool, SerialPool
from pacpinn.sweep.requests import TargetRequest
from pacpinn.sweep.target_tree import distances, nearest_neighbour_tree, spine_and_ribs
from pacpinn.sweep.tree_run import TargetEdge, TargetTree, run_tree
from pacpinn.sweep.tree_step import StartPoint, StepContext
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem

PoolOf = Callable[[StepContext], Pool]  # makes a pool for steps on a ground


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
    """Solve all targets of a request, each from a member near it; which one the request decides alone.

    A walk that was interrupted goes on where it was, along the same tree.

    Args:
        problem, bases, settings: the family's.
        members: what is solved already.
        request: what is not, and along which tree: one by one along a chain, or a few ahead and the others from those.
        reporter: gives for a target what is called with step and loss.
        done: those of the targets that an interrupted walk has solved, if it is to go on.
        all_bases: the bases that there were then.
        pool_of: where the steps of a spine are taken; by default in this process.

    Yields:
        Each other target's solution, and the bases there are then.
    """
    done = done or {}
    steps = steps_of(problem, list(members), request)
    if request.in_chain:
        edges = [edge for (edge,) in steps]
        yield from _chain(problem, members, bases, edges, settings, reporter, done, all_bases)
        return
    ground = StepContext(problem, bases, replace(settings, batch=request.batch))
    there = _Solved(problem, list(members), members)
    roots = {c: StartPoint(*there.start(c, c)) for step in steps for c, _ in step if c in members}
    tree = TargetTree(roots, steps)
    pool = pool_of(ground) if pool_of else SerialPool(ground, reporter)
    yield from run_tree(tree, ground, pool, done, all_bases or bases)


def steps_of(problem: Problem, members: Sequence[Coefficients], request: TargetRequest) -> list[Sequence[TargetEdge]]:
    """The edges of a request's tree in the order in which their targets are members, those together that are solved
    together."""
    all_of_them = [*members, *request.targets]
    places = problem.space.places(members), problem.space.places(request.targets)
    waves = [[edge] for edge in nearest_neighbour_tree(*places)] if request.in_chain else spine_and_ribs(*places)
    named = [[(all_of_them[parent], all_of_them[target]) for parent, target in wave] for wave in waves]
    return [wave[i : i + request.batch] for wave in named for i in range(0, len(wave), request.batch)]


def _chain(
    problem: Problem,
    members: Mapping[Coefficients, Solution],
    bases: Sequence[Base],
    edges: Sequence[TargetEdge],
    settings: Settings,
    reporter: Callable[[Coefficients], Report],
    done: Mapping[Coefficients, Solution],
    all_bases: Sequence[Base],
) -> Iterator[SolvedTarget]:
    solved, grown = _Solved(problem, [*members, *(target for _, target in edges)], members), list(bases)
    for parent, target in edges:
        if target in done:
            solved.add(done[target])
            grown = list(all_bases[: max(len(grown), done[target].base + 1)])
            continue
        start, before = solved.start(parent, target)
        solution, grown = continue_to(problem, grown, start, target, settings, reporter(target), before)
        solved.add(solution)
        yield SolvedTarget(solution, grown)


class _Solved:
    """What is solved so far of some members and targets, and from where others start.

    Args:
        problem: the family's.
        order: all members and targets.
        members: what is solved already.
    """

    def __init__(
        self, problem: Problem, order: Sequence[Coefficients], members: Mapping[Coefficients, Solution]
    ) -> None:
        self._order, self._places = order, {c: k for k, c in enumerate(order)}
        self._positions = problem.space.places(order)
        self._bases = np.full(len(order), -1)  # on which each converged; -1 for none
        self._solved: dict[Coefficients, Solution] = {}
        for each in members.values():
            self.add(each)

    def add(self, solution: Solution) -> None:
        """It is solved, or has been tried."""
        self._solved[solution.coefficients] = solution
        if solution.status is Status.CONVERGED:
            self._bases[self._places[solution.coefficients]] = solution.base

    def start(self, parent: Coefficients, target: Coefficients) -> tuple[Solution, Solution | None]:
        """From where a target goes: the parent, or the first of its ancestors that is solved, for what is not solved is
        no place to start from; and another member near the target, on the same base."""
        start = self._solved[parent]
        while start.parent is not None and start.status is not Status.CONVERGED:
            start = self._solved[start.parent]
        others = self._bases == start.base
        others[self._places[start.coefficients]] = False
        if not others.any():
            return start, None
        lengths = np.where(others, distances(self._positions, self._positions[self._places[target]]), np.inf)
        return start, self._solved[self._order[int(lengths.argmin())]]
