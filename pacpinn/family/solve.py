"""Solve a family: check the request, find or begin the family, then solve each request that is not solved yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacpinn.continuation.settings import Settings
from pacpinn.errors import PacpinnError
from pacpinn.family.family import Family
from pacpinn.family.file.journal import Journal, locked
from pacpinn.family.file.provenance import run_spec
from pacpinn.family.plan import Plan, plan_family
from pacpinn.family.progress import ProgressCallback, ended, ignore
from pacpinn.family.source import solve_source
from pacpinn.family.targets import CoefficientValues
from pacpinn.runtime.isolation import alone, existing_device
from pacpinn.sweep.pools import PoolOf
from pacpinn.sweep.requests import Request, TargetRequest
from pacpinn.tasks.parameter_space import Range
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.registry import get_problem

if TYPE_CHECKING:
    from distributed import Client


def solve_family(
    problem: Problem | str | Path,
    source: CoefficientValues | None = None,
    targets: Iterable[CoefficientValues] | None = None,
    *,
    within: Range | None = None,
    members: int = 40,
    save: str | Path | None = None,
    resume: str | Path | None = None,
    progress: ProgressCallback = ignore,
    client: Client | None = None,
    **settings: Any,
) -> Family:
    """Solve a problem at its source, prune and allocate, then calibrate to every target along a path from the source.

    With a range the family chooses its own targets: as many as are needed to answer every coefficient of the range
    (:meth:`Family.at`) to the tolerance. The tolerance is then the relative error of an answer; members are solved to
    half of it.

    Args:
        problem: a problem, the name of an installed one, or the path of a file that holds one.
        source: the source's coefficients; those not named are at their defaults.
        targets: coefficients of the targets, such as ``pp.grid(nu=[0.04, 0.03])``; by default the problem's own. Those
            not named are the source's.
        within: the ends of each coefficient's range, as ``{"nu": (0.01, 0.05)}``; targets that are given as well are
            solved first.
        members: how many members the family may have after a range.
        save: a file to write the family to. While the family is being solved, each member is written to a file beside
            it, so that no solved member is lost. An earlier family in the file is replaced at the end.
        resume: as `save`, and members that an earlier run with this file has solved are not solved again. At equal
            versions and threads the family is the same to the last bit as without the interruption.
        progress: called at every step and when a member is solved.
        client: of a Dask cluster whose workers solve the targets, along a spine; the source is solved here.
        settings: fields of :class:`Settings`: `keep`, `solver`, `tolerance`, `seed`, `device` and more.

    Raises:
        CoefficientError: for unknown or bad coefficients, no target at all, an empty range, or a coefficient that the
            equation uses nowhere.
        ResidualError: if the equation's formulas, points and network do not fit together.
        FamilyFileError: if the file holds a run with other settings, naming the difference; for `save` also if it
            holds a run that is not finished.
        FamilyInUse: if another process or thread writes the file.
        PacpinnError: for a range with fewer than two members, of a problem that is no equation, or whose source misses
            the tolerance by far.
        PruningError, UnknownSolver, DeviceError: for bad settings, before any work is done.
    """
    if save is not None and resume is not None and Path(save) != Path(resume):
        raise PacpinnError(f"save={str(save)!r} and resume={str(resume)!r} are two files; expected one of the two")
    if client is not None:
        if within is not None:
            raise PacpinnError(
                "a range is refined one member after the other; expected targets for a cluster's workers"
            )
        settings["tree"] = "spine"
    chosen = Settings(**settings)
    stated = problem if isinstance(problem, Problem) else get_problem(problem)
    plan = plan_family(stated, source, targets, within, members, chosen)
    path, pool_of = resume or save, None
    if client is not None:
        from pacpinn.sweep import dask_pool

        pool_of = dask_pool.on(client)
    with alone():
        if path is None:
            start = solve_source(plan, progress)
            return carry_out(plan.requests, start, progress, pool_of)
        with locked(Path(path)):
            journal = Journal(Path(path), existing_device(plan.settings.device or "cpu"))
            return _with_journal(journal, plan, resume is not None, progress, pool_of)


def _with_journal(
    journal: Journal, plan: Plan, resume: bool, progress: ProgressCallback, pool_of: PoolOf | None
) -> Family:
    """Solve a family while each member is written to a file; if asked to `resume`, from where an earlier run ended."""
    earlier = journal.earlier_run(run_spec(*plan), plan.problem, resume)
    if earlier is None:
        family = solve_source(plan, progress)
    else:
        family = Family(**vars(earlier))
        for each in family.solutions:
            progress(ended("calibrate" if each.parent else "allocate", each))
        # the user's own criterion and solver, of which the file holds the names alone
        family.settings = replace(family.settings, criterion=plan.settings.criterion, solver=plan.settings.solver)
        if family.finished and len(family.requests) == len(plan.requests):
            journal.clear()  # a kill at the very end may have left parts
            return family
    with family.recorded(journal):
        return carry_out(plan.requests, family, progress, pool_of)


def carry_out(
    requests: Sequence[Request], family: Family, progress: ProgressCallback, pool_of: PoolOf | None = None
) -> Family:
    """Solve what the family's own requests still lack, then all further ones of `requests`; returns the family."""
    family.finish(progress, pool_of)
    for request in requests[len(family.requests) :]:
        if isinstance(request, TargetRequest):
            family.extend(request.targets, progress, pool_of, request.tree)
        else:
            family.refine(request.within, request.tolerance, request.members, progress)
    return family
