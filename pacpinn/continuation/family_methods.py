"""Transfer methods for families: which weights each target has to itself, and how a target is solved."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import torch

from pacpinn.continuation.effort import Effort
from pacpinn.errors import PacpinnError
from pacpinn.networks.error_estimate import error_estimate
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.accuracy import presumed_error, solve_to_accuracy
from pacpinn.solvers.base import Report, Result, Status
from pacpinn.tasks.task import Task
from pacpinn.transfer.allocation import allocate
from pacpinn.transfer.from_scratch import cold_start
from pacpinn.transfer.methods import last_layer
from pacpinn.transfer.pruning import kept_weights

if TYPE_CHECKING:
    from pacpinn.continuation.settings import Settings, StepContext

log = logging.getLogger(__name__)

_MORE_KEPT = 3  # times at most, each time half of the weights that were free


class FamilyMethod(NamedTuple):
    """A transfer method for families.

    Attributes:
        free: makes a base of a trained network by the choice of its free weights; None for PAC, which also trains it.
        solve_target: solves a target by itself; None if targets are calibrated along the path from a solved member.
    """

    free: Callable[[MaskedNetwork], MaskedNetwork] | None
    solve_target: Callable[[StepContext, Task, Report], Result] | None = None

    @property
    def grows_bases(self) -> bool:
        return self.free is None


def build_base(
    source: MaskedNetwork, task: Task, settings: Settings, report: Report
) -> tuple[MaskedNetwork, list[Result]]:
    """A base by the method of the settings, and the results of the training that it took.

    The network `source` is trained on `task`, the family's source or where a further base is grown, with all weights
    free; the free weights of the base solve `task`, too. By PAC the kept weights hold the source, and the others are
    free (Myung et al. 2022). Where too few are kept to hold a source that is solved, more are. In seconds, all of this
    may take the effort of the settings once more.
    """
    free = FAMILY_METHODS[settings.method].free
    if free is not None:
        return free(source), []
    keep, results = settings.keep, list[Result]()
    while True:
        kept = kept_weights(source, keep, settings.criterion, settings.always_kept, settings.always_free, task)
        ending = Effort.of(settings.effort).ending(report, results)
        base, result = allocate(source, kept, task, settings.solver, settings.penalty, settings.seed, ending)
        results.append(result)
        if len(results) > _MORE_KEPT or result.status is Status.CONVERGED or not _is_solved(task, source):
            return base, results
        log.info("%s: keep=%g of the weights do not hold the solution; next: more", task.coefficients, keep)
        keep = (1 + keep) / 2


def _is_solved(task: Task, masked: MaskedNetwork) -> bool:
    """Whether a network's estimated error is inside the task's tolerance."""
    found = error_estimate(task, masked, masked.start)
    if found is None or task.tolerance is None:
        return False
    return presumed_error(found.relative, found.bound) <= task.tolerance


def free_everything_without_buffers(source: MaskedNetwork) -> MaskedNetwork:
    """All weights, for targets that take nothing from the source, buffers neither."""
    buffers = [name for name, _ in source.network.named_buffers()]
    if buffers:
        raise PacpinnError(
            f"the network has buffers ({', '.join(buffers)}), which a family keeps once for all of its members; train "
            "each target from scratch by itself, as with pacpinn.PAC(network).fit(target)"
        )
    return source.with_mask(None, True)


def train_from_scratch(context: StepContext, task: Task, report: Report) -> Result:
    """Train the initial network on the target."""
    settings = context.settings
    network = context.problem.initial_network(settings.seed).to(device=task.device, dtype=task.dtype)
    with untouched():
        masked, result = cold_start(network, task, settings.solver, settings.seed, report)
    return replace(result, z=masked.start)


def evaluate_parametric(context: StepContext, task: Task, report: Report) -> Result:
    """Evaluate the parametric network, which was trained on the whole range, and compare it with the tolerance."""
    base = context.bases[0].masked
    with untouched():
        loss = float(Objective(task, base).fresh_misfit(base.start[None]))
    evaluated = Result(base.start, Status.STALLED, steps=0, seconds=0.0, history=[loss])
    return solve_to_accuracy(Objective(task, base), lambda *_: evaluated, base.start)


FAMILY_METHODS = {
    "pac": FamilyMethod(None),
    "fine-tuning": FamilyMethod(lambda source: source.with_mask(None, True)),  # only buffers stay the source's
    "last-layer": FamilyMethod(lambda source: last_layer(source).masked),  # a linear equation is linear least squares
    "from-scratch": FamilyMethod(free_everything_without_buffers, train_from_scratch),
    "parametric": FamilyMethod(
        lambda source: source.with_mask(torch.zeros_like(source.free), True), evaluate_parametric
    ),
}
