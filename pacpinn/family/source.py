"""The source of a family: solved, pruned and allocated; one that cannot be solved at once, by way of a target."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.effort import Effort
from pacpinn.continuation.escalation import ColdStart, solve_cold
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
from pacpinn.sweep.target_tree import nearest_neighbour_tree
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.transfer.from_scratch import cold_start

log = logging.getLogger(__name__)


def solve_source(plan: Plan, progress: ProgressCallback) -> Family:
    """A family of the source alone: solved, pruned and allocated.

    Where the source cannot be solved from a fresh network, its targets are tried, in the order in which they would be
    solved, until one can be or the effort is used up. From there the source is tried again. If it is not solved even
    so, the family has two bases: the first is that of the solved target, from which further targets start.
    """
    source, settings = plan.source, plan.settings
    fit, allocate = reporter(progress, "fit", source), reporter(progress, "allocate", source)
    with untouched(settings.seed):
        start, elsewhere, reached = _cold_start(plan, fit), None, None
        if not start.solved:
            start, elsewhere, reached = _by_way_of(_targets_in_order(plan), start, settings, fit)
        masked, results = build_base(start.masked, start.task, settings, allocate)
        result = replace(Result.joined([start.result, *results]), z=masked.start)
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
    """A source tried again from a target that is solved.

    Attributes:
        start: the better one of the source's cold start and of what was reached from the target.
        base: of the target; None if no target is solved.
        reached: the last coefficients on the path from the target that were solved; None for the source itself.
    """

    start: ColdStart
    base: Base | None = None
    reached: Coefficients | None = None


def _targets_in_order(plan: Plan) -> Iterator[Coefficients]:
    """The first request's targets, or the ends of its range, in the order of the path from the source.

    Those are left out at which the statement itself limits the accuracy.
    """
    problem, source, _, requests = plan
    found = [c for request in requests[:1] for c in request.other_than(source)]
    if found:
        places = problem.space.places([source]), problem.space.places(found)
        in_order = (found[i - 1] for _, i in nearest_neighbour_tree(*places))
        yield from (c for c in in_order if not problem.limits_accuracy(c))


def _by_way_of(targets: Iterable[Coefficients], start: ColdStart, settings: Settings, report: Report) -> _Detour:
    """Solve the first of the `targets` that a fresh network can learn, and try the source again from there.

    Nothing is tried if no path leads from one solution to another: for data, and for methods without a path.
    """
    on_path = FAMILY_METHODS[settings.method].solve_target is None
    if start.result.error_estimate is None or start.task.tolerance is None or not on_path:
        return _Detour(start)
    effort, spent = Effort.of(settings.effort), list[Result]()
    for c in targets:
        if effort.used_up(spent):
            break
        log.info("the source %s is not solved; next: a fresh network at %s", start.task.coefficients, c)
        other = solve_cold(start.problem, c, settings, (), report)
        spent.append(other.result)
        if other.solved:
            base, results = build_base(other.masked, other.task, settings, report)
            spent += results
            if spent[-1].status is Status.CONVERGED:
                solved = SolutionOnBase.of(other.task, Base(base, c), replace(spent[-1], z=base.start), parent=None)
                return _from_there(start, solved, spent, settings, report)
    return _Detour(_with_spent(start, start, spent, "its targets, of which none is solved") if spent else start)


def _from_there(
    start: ColdStart, target: SolutionOnBase, spent: list[Result], settings: Settings, report: Report
) -> _Detour:
    """The source, whose cold start is `start`, tried again from a solved target."""
    context = StepContext(start.problem, [target.base], replace(settings, effort=0))  # fresh networks have been tried
    (solution, base), _ = continue_to(context, PathSegment(target, start.task.coefficients), report)
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
    again = start._replace(masked=masked, result=found)
    best = min(again, start, key=lambda each: (not each.solved, each.error))
    best = _with_spent(best, start, [*spent, found], f"from {target.coefficients}, which is solved")
    return _Detour(best, target.base, solution.reached)


def _with_spent(best: ColdStart, start: ColdStart, spent: Sequence[Result], tried: str) -> ColdStart:
    """The `best` start, with the steps and seconds of the first `start` and of what was spent and tried since then."""
    of_all = Result.joined([start.result, *spent])
    result = replace(best.result, steps=of_all.steps, seconds=of_all.seconds)
    return best._replace(result=result, tried=(*start.tried, tried))


def _cold_start(plan: Plan, report: Report) -> ColdStart:
    """The source from a fresh network; for the method ``"parametric"`` one network is trained on the whole range."""
    problem, source, settings, _ = plan
    if not isinstance(problem, ParametricEquation):
        return solve_cold(problem, source, settings, problem.rungs(), report)
    task = settings.task(problem, source)
    network = problem.initial_network(settings.seed).to(device=task.device, dtype=task.dtype)
    learnt = range_task(problem, source, settings.task)
    masked, result = cold_start(network, learnt, settings.solver, settings.seed, report)
    return ColdStart(problem, task, masked, result)


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
