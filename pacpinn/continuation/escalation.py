"""Escalation: a cold start that misses its tolerance is tried again, each time with more effort.

The tries are the problem's own (:meth:`Problem.rungs`): another first network, conditions first, a warm-up, growing
horizons, more points, a wider network. They end with the first that is solved, or when the effort that the settings
allow is used up; where the statement limits how accurate a solution can be, with the first that does not help. Where
the residual is much larger between the training points than at them, only more points help: other tries are left out,
and these start from the network that there is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from torch import nn

from pacpinn.continuation.effort import Effort
from pacpinn.continuation.settings import Settings
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.solvers.accuracy import needs_points, presumed_error
from pacpinn.solvers.base import Report, Result, Status
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem, Rung
from pacpinn.tasks.task import Task
from pacpinn.transfer.from_scratch import cold_start

log = logging.getLogger(__name__)

GAIN = 0.5  # of the error before: where the statement limits the accuracy, a try that leaves more has not helped


class ColdStart(NamedTuple):
    """A network trained from its initial weights.

    Attributes:
        problem: as it was solved; after escalation it may have more points or a wider network.
        task: at the coefficients.
        masked: the trained network, all weights free.
        result: of the best try, with the steps and seconds of all.
        tried: names of all tries after the first.
        left: names of the tries for which no effort was left.
    """

    problem: Problem
    task: Task
    masked: MaskedNetwork
    result: Result
    tried: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def solved(self) -> bool:
        """Whether its status is converged."""
        return self.result.status is Status.CONVERGED

    @property
    def error(self) -> float:
        """Presumed error, by estimate and bound; infinite if there is no estimate."""
        estimate = self.result.error_estimate
        return float("inf") if estimate is None else presumed_error(estimate, self.result.error_bound)

    @property
    def needs_points(self) -> bool:
        """Whether it misses its tolerance as the residual is much larger between the training points than at them."""
        if self.solved or self.result.error_estimate is None:
            return False
        between = float(Objective(self.task, self.masked).fresh_misfit(self.masked.start[None]).sqrt())
        return needs_points(between, self.result.history)


def solve_cold(
    problem: Problem, c: Coefficients, settings: Settings, rungs: Iterable[Rung], report: Report
) -> ColdStart:
    """Train a fresh network at coefficients `c`; one that misses its tolerance is tried again along the `rungs`."""
    ending = Effort.of(settings.effort).ending(report, ())
    return escalate(_attempt(problem, c, settings, settings.seed, ending), rungs, settings, report)


def escalate(
    start: ColdStart, rungs: Iterable[Rung], settings: Settings, report: Report, elsewhere: Sequence[Result] = ()
) -> ColdStart:
    """Try a start that misses its tolerance again along the `rungs`.

    What the start itself took counts as effort, and what was spent `elsewhere` if this is in seconds.
    """
    if start.task.tolerance is None or start.result.error_estimate is None:
        return start
    c, effort = start.task.coefficients, Effort.of(settings.effort)
    best, results, tried, left = start, [start.result], list(start.tried), list(start.left)
    limited = not start.solved and start.problem.limits_accuracy(c)
    for rung in rungs:
        if best.solved:
            break
        too_few = best.needs_points
        if too_few and not rung.more_points:
            continue
        if effort.used_up(results, elsewhere):
            left.append(rung.name)
            continue
        log.info("%s: estimated error %.1e, tolerance %g; next: %s", c, best.error, start.task.tolerance, rung.name)
        network = best.masked.module(best.masked.start) if too_few and rung.same_network else None
        ending = effort.ending(report, results, elsewhere)
        found = _attempt(rung.problem, c, settings, settings.seed + rung.seed, ending, network)
        results.append(found.result)
        tried.append(rung.name)
        best, before = min(best, found, key=lambda each: (not each.solved, each.error)), best
        if limited and best.error > GAIN * before.error:
            break
    spent = Result.joined(results)
    result = replace(best.result, steps=spent.steps, seconds=spent.seconds)
    return best._replace(result=result, tried=tuple(tried), left=tuple(left))


def _attempt(
    problem: Problem, c: Coefficients, settings: Settings, seed: int, report: Report, network: nn.Module | None = None
) -> ColdStart:
    task = settings.task(problem, c)
    network = (network or problem.initial_network(seed)).to(device=task.device, dtype=task.dtype)
    masked, result = cold_start(network, task, settings.solver, settings.seed, report)
    return ColdStart(problem, task, masked, result)
