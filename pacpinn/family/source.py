"""The source of a family: solved, pruned and allocated; one that cannot be solved at once, by way of others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.effort import Effort
from pacpinn.continuation.escalation import ColdStart, escalate, solve_cold
from pacpinn.continuation.family_methods import FAMILY_METHODS, build_base
from pacpinn.continuation.settings import Settings, StepContext
from pacpinn.continuation.solution import Base, Solution, SolutionOnBase
from pacpinn.continuation.step_control import continue_to
from pacpinn.equations.diagnosis import diagnosis
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.parametric import ParametricEquation, range_task
from pacpinn.family.family import Family
from pacpinn.family.plan import Plan
from pacpinn.family.progress import ProgressCallback, ended, reporter
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Report, Result, Status
from pacpinn.sweep.target_tree import distances, nearest_neighbour_tree
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Rung
from pacpinn.transfer.from_scratch import cold_start

log = logging.getLogger(__name__)


def solve_source(plan: Plan, progress: ProgressCallback) -> Family:
    """A family of the source alone: solved, pruned and allocated.

    Where the source cannot be solved from a fresh network, others are tried until one can be or the effort is used up:
    the targets, in the order in which they would be solved, and the ends of the coefficients' ranges. From there the
    source is tried again. More points, which make each step dear, come last; first, where its points are too few. If it
    is not solved even so, the family has two bases: the first is that of the solved one, from which targets start.
    """
    source, settings = plan.source, plan.settings
    fit, allocate = reporter(progress, "fit", source), reporter(progress, "allocate", source)
    with untouched(settings.seed):
        start, detour = _cold_start(plan, fit), _Detour()
        if start.needs_points:
            start = escalate(start, _rungs(plan, lambda rung: rung.more_points and rung.same_network), settings, fit)
        if not start.solved:
            start, detour = _by_way_of(_others_in_order(plan), start, settings, fit)
            left = _rungs(plan, lambda rung: rung.more_points and rung.name not in (*start.tried, *start.left))
            start = escalate(start, left, settings, fit, detour.spent)
        elsewhere, reached, spent = detour
        masked, results = build_base(start.masked, start.task, settings, allocate)
        result = replace(Result.joined([start.result, *spent, *results]), z=masked.start)
        bases = [Base(masked, source)]
        member = Solution.of(start.task, masked, result, base=0, parent=None)
        solved = member.status is Status.CONVERGED
        if elsewhere is not None and solved:
            member = replace(member, parent=elsewhere.coefficients)
        elif elsewhere is not None:
            bases, member = [elsewhere, *bases], replace(member, base=1, reached=reached)
    progress(ended("allocate", member))
    if start.task.tolerance is not None and not solved:
        log.warning("%s", _shortfall(member, start, bases))
    return Family(start.problem, bases, [member], settings)


class _Detour(NamedTuple):
    """What was tried elsewhere, for a source that a fresh network does not learn.

    Attributes:
        base: of other coefficients that are solved; None if none are.
        reached: the last coefficients on the path from there to the source that were solved; None if it was reached.
        spent: results of all that was tried.
    """

    base: Base | None = None
    reached: Coefficients | None = None
    spent: Sequence[Result] = ()


def _others_in_order(plan: Plan) -> Iterator[Coefficients]:
    """The first request's targets, or the ends of its range, in the order of the path from the source; then, from the
    nearest on, the source with one coefficient at an end of the range in which the problem can be solved.

    Those are left out at which the statement itself limits the accuracy.
    """
    problem, source, _, requests = plan
    targets = [c for request in requests[:1] for c in request.other_than(source)]
    ends = [
        Coefficients(**{**source, name: end})
        for name, each in problem.coefficients.items()
        for end in (each.low, each.high)
    ]
    ends = [c for c in dict.fromkeys(ends) if c not in (source, *targets)]
    at_source, near = problem.space.places([source]), problem.space.places
    if targets:
        targets = [targets[i - 1] for _, i in nearest_neighbour_tree(at_source, near(targets))]
    if ends:
        ends = [ends[i] for i in np.argsort(distances(near(ends), at_source[0]), kind="stable")]
    yield from (c for c in [*targets, *ends] if not problem.limits_accuracy(c))


def _by_way_of(
    others: Iterable[Coefficients], start: ColdStart, settings: Settings, report: Report
) -> tuple[ColdStart, _Detour]:
    """Solve the first of the `others` that a fresh network can learn, and try the source again from there.

    The start returned is the better one of the source's cold start and of what was reached. Nothing is tried if no path
    leads from one solution to another: for data, and for methods without a path.
    """
    on_path = FAMILY_METHODS[settings.method].solve_target is None
    if start.result.error_estimate is None or start.task.tolerance is None or not on_path:
        return start, _Detour()
    effort, spent = Effort.of(settings.effort), list[Result]()
    for c in others:
        if effort.used_up(spent, elsewhere=[start.result]):
            break
        ending = effort.ending(report, spent, elsewhere=[start.result])
        log.info("the source %s is not solved; next: a fresh network at %s", start.task.coefficients, c)
        other = solve_cold(start.problem, c, settings, (), ending)
        spent.append(other.result)
        if other.solved:
            base, results = build_base(other.masked, other.task, settings, report)
            spent += results
            if spent[-1].status is Status.CONVERGED:
                solved = SolutionOnBase.of(other.task, Base(base, c), replace(spent[-1], z=base.start), parent=None)
                again, reached, result = _from_there(start, solved, settings, ending)
                best = min(again, start, key=lambda each: (not each.solved, each.error))
                best = best._replace(tried=(*start.tried, f"from {c}, which is solved"))
                return best, _Detour(solved.base, reached, [*spent, result])
    tried = ("other coefficients, of which none is solved",) if spent else ()
    return start._replace(tried=(*start.tried, *tried)), _Detour(spent=spent)


def _from_there(
    start: ColdStart, other: SolutionOnBase, settings: Settings, report: Report
) -> tuple[ColdStart, Coefficients | None, Result]:
    """The source, whose cold start is `start`, tried again from what is solved elsewhere; how far that came, and what
    it took. In its own result stand the steps and seconds of the start."""
    context = StepContext(start.problem, [other.base], replace(settings, effort=0))  # fresh networks have been tried
    (solution, base), _ = continue_to(context, PathSegment(other, start.task.coefficients), report)
    masked = base.masked.with_mask(None, False, base.masked.merge(solution.z))
    found = Result(
        masked.start,
        solution.status,
        solution.steps,
        solution.seconds,
        solution.history,
        solution.error_estimate,
        solution.error_bound,
    )
    own = replace(found, steps=start.result.steps, seconds=start.result.seconds)
    return start._replace(masked=masked, result=own), solution.reached, found


def _cold_start(plan: Plan, report: Report) -> ColdStart:
    """The source from a fresh network; for the method ``"parametric"`` one network is trained on the whole range."""
    problem, source, settings, _ = plan
    if not isinstance(problem, ParametricEquation):
        return solve_cold(problem, source, settings, _rungs(plan, lambda rung: not rung.more_points), report)
    task = settings.task(problem, source)
    network = problem.initial_network(settings.seed).to(device=task.device, dtype=task.dtype)
    learnt = range_task(problem, source, settings.task)
    masked, result = cold_start(network, learnt, settings.solver, settings.seed, report)
    return ColdStart(problem, task, masked, result)


def _rungs(plan: Plan, chosen: Callable[[Rung], bool]) -> Iterator[Rung]:
    """The `chosen` ones of the source's further tries."""
    if not isinstance(plan.problem, ParametricEquation):
        yield from filter(chosen, plan.problem.rungs())


def _shortfall(member: Solution, start: ColdStart, bases: Sequence[Base]) -> str:
    """What is known of a source that missed its tolerance, and where the family starts in its place."""
    error = "" if member.error_estimate is None else f", its error is estimated as {member.error_estimate:.1e}"
    lines = [f"the source {member.coefficients} ended {member.status}{error}; tolerance {member.tolerance:g}"]
    if isinstance(start.task, EquationTask):
        forward = bases[member.base].masked.forward(member.z)
        lines.append(diagnosis(start.task, forward, start.tried, start.left))
    if start.solved:
        lines.append("its whole network solves it, and the kept weights alone do not: keep more of them (keep)")
    if member.base > 0:
        lines.append(f"the family starts at {bases[0].coefficients}, which is solved")
    return "\n".join(lines)
