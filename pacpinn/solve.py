"""A family from scratch: source, base, and the way to all targets."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pacpinn.cold_start import cold_start
from pacpinn.dry_run import dry_run
from pacpinn.equation import Equation
from pacpinn.family import Family
from pacpinn.founding import found
from pacpinn.isolation import untouched
from pacpinn.masked import MaskedNetwork
from pacpinn.parametric import ParametricEquation, parametric, range_task
from pacpinn.problem import Problem
from pacpinn.progress import ProgressCallback, ended, ignore, reporter
from pacpinn.pruning import kept_weights
from pacpinn.ranges import Range, checked_range, spanned
from pacpinn.refinement import OF_TOLERANCE, require_equation
from pacpinn.registry import get_problem
from pacpinn.settings import Settings
from pacpinn.solution import Base, Solution
from pacpinn.solvers import Result, Status, get_solver
from pacpinn.targets import Values, distinct

log = logging.getLogger(__name__)


def solve_family(
    problem: Problem | str | Path,
    source: Values | None = None,
    targets: Iterable[Values] | None = None,
    *,
    within: Range | None = None,
    members: int = 40,
    progress: ProgressCallback = ignore,
    **settings: Any,
) -> Family:
    """Solve a problem at its source, prune and allocate, then calibrate to every target along a path from the source.

    With a range in place of targets the family chooses its own: as many as it takes to answer every coefficient in
    between (:meth:`Family.at`) to the tolerance, which is then the relative error of answers; members' residuals are
    solved to half of it.

    Args:
        problem: a problem, the name of an installed one, or the path of a file that holds one.
        source: the source's coefficients; those not named are at their defaults.
        targets: coefficients of the targets, such as ``pp.grid(nu=[0.04, 0.03])``; by default the problem's own. Those
            not named are the source's.
        within: the ends of each coefficient's range, as ``{"nu": (0.01, 0.05)}``; targets given
            as well are solved first.
        members: how many members a range may take.
        progress: called at every step and after every solve.
        settings: fields of :class:`Settings`: `keep`, `solver`, `tolerance`, `seed`, `device` and more.

    Raises:
        CoefficientError: for unknown or bad coefficients, no target at all, an empty range, or a coefficient that the
            equation uses nowhere.
        ResidualError: if the equation's formulas, points and network do not fit together.
        PacpinnError: for a range of a problem that is no equation, or whose source misses the tolerance by far.
        PruningError, UnknownSolver, DeviceError: for bad settings, before any work is done.
    """
    problem = problem if isinstance(problem, Problem) else get_problem(problem)
    chosen = Settings(**settings)
    at_source = problem.at(source or {})
    if within is not None:
        equation = require_equation(problem)
        within, tolerance = checked_range(equation, within), chosen.tolerance or equation.tolerance
        chosen = replace(chosen, tolerance=OF_TOLERANCE * tolerance)
    wanted = problem.targets if targets is None and within is None else targets
    new = [] if wanted is None else distinct(problem, wanted, at_source, known=[at_source])
    stated = problem
    if chosen.method == "parametric":
        problem = parametric(problem, within or spanned([at_source, *new]))
    with untouched(chosen.seed):
        task = chosen.task(problem, at_source)
        network = problem.initial_network(chosen.seed).to(device=task.device, dtype=task.dtype)
        if chosen.method == "pac":  # bad settings show before any work
            kept_weights(MaskedNetwork(network), chosen.keep, chosen.criterion, chosen.always_kept, chosen.always_free)
        get_solver(chosen.solver, task)
        if isinstance(stated, Equation):
            dry_run(stated, at_source)
        fit, allocate = reporter(progress, "fit", at_source), reporter(progress, "allocate", at_source)
        lesson = range_task(problem, at_source, chosen) if isinstance(problem, ParametricEquation) else task
        trained, fitted = cold_start(network, lesson, chosen.solver, chosen.seed, fit)
        base, results = found(trained, task, chosen, allocate)
        result = replace(Result.joined([fitted, *results]), z=base.start)
        member = Solution.of(task, base, result, base=0, parent=None)
        progress(ended("allocate", member))
        if task.tolerance is not None and member.status is not Status.CONVERGED:
            log.warning("the source %s ended %s: targets will hardly be better", at_source, member.status)
        family = Family(problem, [Base(base, at_source)], [member], chosen)
        if new:
            family.extend(new, progress)
        if within is not None:
            family.refine(within, tolerance, members, progress)
    return family
