"""What a run is to solve: problem, source, settings and requests, checked before any work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from pacpinn.continuation.settings import Settings
from pacpinn.equations.equation import Equation, require_equation
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.parametric import parametric
from pacpinn.equations.statement.dry_run import dry_run
from pacpinn.equations.statement.finite_start import require_finite_start
from pacpinn.family.targets import CoefficientValues, distinct
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.reduced_basis.greedy import OF_TOLERANCE, require_two
from pacpinn.runtime.isolation import untouched
from pacpinn.runtime.user_code import naming_user_code
from pacpinn.solvers.choice import get_solver
from pacpinn.sweep.requests import RangeRequest, Request, TargetRequest
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range, spanned
from pacpinn.tasks.problem import Problem
from pacpinn.transfer.finite_start import finite_start
from pacpinn.transfer.pruning import kept_weights, require_choice


class Plan(NamedTuple):
    """What is to be solved, and how; the problem of the method ``"parametric"`` has the coefficients as inputs."""

    problem: Problem
    source: Coefficients
    settings: Settings
    requests: Sequence[Request]


def plan_family(
    stated: Problem,
    source: CoefficientValues | None,
    targets: Iterable[CoefficientValues] | None,
    within: Range | None,
    members: int,
    settings: Settings,
) -> Plan:
    """The plan of what :func:`solve_family` was given, checked before any work; raises as it does."""
    at_source = stated.at(source or {})
    if targets is None and within is None:
        targets = stated.targets
    new = [] if targets is None else distinct(stated, targets, at_source, known=[at_source])
    requests: list[Request] = [TargetRequest(tuple(new), 1, tree=settings.tree)] if new else []
    if within is not None:
        require_two(members)
        equation = require_equation(stated)
        within, tolerance = equation.checked_range(within), settings.tolerance or equation.tolerance
        requests.append(RangeRequest(within, tolerance, members, begun=1 + len(new)))
        settings = replace(settings, tolerance=OF_TOLERANCE * tolerance)
    problem = stated
    if settings.method == "parametric":
        problem = parametric(stated, within or spanned([at_source, *new]))
    _check(problem, stated, at_source, settings)
    return Plan(problem, at_source, settings, requests)


def _check(problem: Problem, stated: Problem, source: Coefficients, settings: Settings) -> None:
    with untouched(settings.seed), naming_user_code(type(stated), stated.name):
        task = settings.task(problem, source)
        get_solver(settings.solver, task)
        if settings.method == "pac":
            require_choice(settings.keep, settings.criterion)
        if isinstance(stated, Equation):
            dry_run(stated, source)  # before a network is made, whose inputs may depend on all of the statement
        start = MaskedNetwork(problem.initial_network(settings.seed).to(device=task.device, dtype=task.dtype))
        if settings.method == "pac":
            kept_weights(start, settings.keep, settings.criterion, settings.always_kept, settings.always_free)
        if isinstance(task, EquationTask):
            first = next(iter(task.easier()), task)
            require_finite_start(first, start.forward(finite_start(start, start.start, first)))
