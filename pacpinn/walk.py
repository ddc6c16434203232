"""From the members there are to all targets: one by one along a chain, or from a spine of a few that go ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from pacpinn.branching import Edge, Tree, branch_out
from pacpinn.coefficient import Coefficients
from pacpinn.continuation import Advance, advance
from pacpinn.pools import Here, Pool
from pacpinn.problem import Problem
from pacpinn.requests import Targets
from pacpinn.settings import Settings
from pacpinn.solution import Base, Solution
from pacpinn.solvers import Report, Status
from pacpinn.steps import Branch, Ground
from pacpinn.tree import nearest_neighbour_tree, spine_and_ribs

PoolOf = Callable[[Ground], Pool]  # makes a pool for steps on a ground


def walk(
    problem: Problem,
    members: Mapping[Coefficients, Solution],
    bases: Sequence[Base],
    request: Targets,
    settings: Settings,
    reporter: Callable[[Coefficients], Report],
    done: Mapping[Coefficients, Solution] | None = None,
    all_bases: Sequence[Base] = (),
    pool_of: PoolOf | None = None,
) -> Iterator[Advance]:
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
    if request.in_chain:
        yield from _chain(problem, members, bases, request.targets, settings, reporter, done, all_bases)
        return
    ground = Ground(problem, bases, replace(settings, batch=request.batch))
    steps = steps_of(problem, list(members), request)
    roots = {c: Branch(*_start(problem, members, c, c)) for step in steps for c, _ in step if c in members}
    tree = Tree(roots, steps)
    pool = pool_of(ground) if pool_of else Here(ground, reporter)
    yield from branch_out(tree, ground, pool, done, all_bases or bases)


def steps_of(problem: Problem, members: Sequence[Coefficients], request: Targets) -> list[Sequence[Edge]]:
    """The edges of a request's tree in the order in which their targets are members, those together that are solved
    together."""
    if request.in_chain:
        return [[edge] for edge in nearest_neighbour_tree(members, request.targets, problem.distance)]
    waves = spine_and_ribs(members, request.targets, problem.distance)
    return [wave[i : i + request.batch] for wave in waves for i in range(0, len(wave), request.batch)]


def _chain(
    problem: Problem,
    members: Mapping[Coefficients, Solution],
    bases: Sequence[Base],
    targets: Sequence[Coefficients],
    settings: Settings,
    reporter: Callable[[Coefficients], Report],
    done: Mapping[Coefficients, Solution],
    all_bases: Sequence[Base],
) -> Iterator[Advance]:
    solved, grown = dict(members), list(bases)
    for parent, target in nearest_neighbour_tree(list(members), targets, problem.distance):
        if target in done:
            solved[target] = done[target]
            grown = list(all_bases[: max(len(grown), done[target].base + 1)])
            continue
        start, before = _start(problem, solved, parent, target)
        solved[target], grown = advance(problem, grown, start, target, settings, reporter(target), before)
        yield Advance(solved[target], grown)


def _start(
    problem: Problem, solved: Mapping[Coefficients, Solution], parent: Coefficients, target: Coefficients
) -> tuple[Solution, Solution | None]:
    """From where a target goes: the parent, or the first of its ancestors that is solved, for what is not solved is no
    place to start from; and another member near the target, on the same base."""
    start = solved[parent]
    while start.parent is not None and start.status is not Status.CONVERGED:
        start = solved[start.parent]
    others = [each for each in solved.values() if each.base == start.base and each is not start]
    others = [each for each in others if each.status is Status.CONVERGED]
    return start, min(others, key=lambda each: problem.distance(each.coefficients, target), default=None)
