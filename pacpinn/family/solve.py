"""A family from scratch: source, base, and the way to all targets."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacpinn.continuation.family_methods import build_base
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.equations.dry_run import dry_run
from pacpinn.equations.equation import Equation, require_equation
from pacpinn.equations.parametric import ParametricEquation, parametric, range_task
from pacpinn.errors import FamilyFileError, PacpinnError
from pacpinn.family import family
from pacpinn.family.family import Family
from pacpinn.family.file import provenance
from pacpinn.family.file.codec import Record
from pacpinn.family.file.journal import Journal, locked
from pacpinn.family.file.schema import RunSpec
from pacpinn.family.progress import ProgressCallback, ended, ignore, reporter
from pacpinn.family.targets import CoefficientValues, distinct
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.reduced_basis.greedy import OF_TOLERANCE, require_two
from pacpinn.runtime.isolation import alone, existing_device, untouched
from pacpinn.runtime.user_code import naming_user_code
from pacpinn.solvers.base import Result, Status
from pacpinn.solvers.choice import get_solver
from pacpinn.sweep.pools import PoolOf
from pacpinn.sweep.requests import RangeRequest, Request, TargetRequest
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range, spanned
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.registry import get_problem
from pacpinn.transfer.from_scratch import cold_start
from pacpinn.transfer.pruning import kept_weights

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger(__name__)


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
        save: a file to write the family to. While it is being solved every member is written down beside it, so that
            nothing that is solved is lost; an earlier family in the file is replaced at the end.
        resume: the same, and what an earlier run with this file has solved is not solved again. The family is the same
            to the last bit as without the interruption, at equal versions and threads.
        progress: called at every step and after every solve.
        client: of a Dask cluster whose workers solve the targets, along a spine; the source is solved here.
        settings: fields of :class:`Settings`: `keep`, `solver`, `tolerance`, `seed`, `device` and more.

    Raises:
        CoefficientError: for unknown or bad coefficients, no target at all, an empty range, or a coefficient that the
            equation uses nowhere.
        ResidualError: if the equation's formulas, points and network do not fit together.
        FamilyFileError: if the file holds a run with other settings, naming the difference; and, of `save`, one that
            is not finished.
        FamilyInUse: if another process or thread is at work on the file.
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
    plan = Plan.of(problem, source, targets, within, members, Settings(**settings))
    plan.check()
    path = resume or save
    pool_of = None if client is None else pool_on(client)
    with alone():
        if path is None:
            return plan.carry_out(plan.begin(progress), progress, pool_of)
        with locked(Path(path)):
            journal = Journal(Path(path), existing_device(plan.settings.device or "cpu"))
            there = journal.resumed(plan.asked, plan.problem) if resume else None
            if resume is None:
                journal.require_room(plan.asked, plan.problem)
            solved = plan.begin(progress) if there is None else plan.taken_up(there, progress)
            if there is not None and there.finished and len(there.requests) == len(plan.requests):
                journal.clear()  # which a kill at the very end may have cut short
                return solved
            with solved.recorded(journal):
                return plan.carry_out(solved, progress, pool_of)


def pool_on(client: Client) -> PoolOf:
    """Pools on a cluster; without the extra ``dask`` an error that says so."""
    from pacpinn.sweep import dask_pool

    return dask_pool.on(client)


@dataclass(frozen=True)
class Plan:
    """What is to be solved, checked.

    Attributes:
        problem: the problem; of the method ``"parametric"`` with the coefficients as inputs.
        stated: the problem as it was given.
        source: the source's coefficients.
        settings: how.
        requests: the targets, the range, or both.
    """

    problem: Problem
    stated: Problem
    source: Coefficients
    settings: Settings
    requests: Sequence[Request]

    @classmethod
    def of(
        cls,
        problem: Problem | str | Path,
        source: CoefficientValues | None,
        targets: Iterable[CoefficientValues] | None,
        within: Range | None,
        members: int,
        settings: Settings,
    ) -> Plan:
        """What :func:`solve_family` was given; raises as it does."""
        problem = problem if isinstance(problem, Problem) else get_problem(problem)
        at_source = problem.at(source or {})
        wanted = problem.targets if targets is None and within is None else targets
        new = [] if wanted is None else distinct(problem, wanted, at_source, known=[at_source])
        requests: list[Request] = [TargetRequest(tuple(new), 1, tree=settings.tree)] if new else []
        if within is not None:
            require_two(members)
            equation = require_equation(problem)
            within, tolerance = equation.checked_range(within), settings.tolerance or equation.tolerance
            settings = replace(settings, tolerance=OF_TOLERANCE * tolerance)
            requests.append(RangeRequest(within, tolerance, members, 1 + len(new)))
        stated = problem
        if settings.method == "parametric":
            problem = parametric(problem, within or spanned([at_source, *new]))
        return cls(problem, stated, at_source, settings, requests)

    @property
    def asked(self) -> RunSpec:
        """The same as a family file says it."""
        return provenance.run_spec(self.problem, self.source, self.settings, self.requests)

    def check(self) -> None:
        """Bad settings show before any work; raises as :func:`solve_family`."""
        with untouched(self.settings.seed), naming_user_code(type(self.stated), self.stated.name):
            task = self.settings.task(self.problem, self.source)
            if self.settings.method == "pac":
                chosen = self.settings
                network = MaskedNetwork(self.problem.initial_network(chosen.seed))
                kept_weights(network, chosen.keep, chosen.criterion, chosen.always_kept, chosen.always_free)
            get_solver(self.settings.solver, task)
            if isinstance(self.stated, Equation):
                dry_run(self.stated, self.source)

    def begin(self, progress: ProgressCallback) -> Family:
        """The family with its source alone."""
        chosen, at_source = self.settings, self.source
        with untouched(chosen.seed):
            task = chosen.task(self.problem, at_source)
            network = self.problem.initial_network(chosen.seed).to(device=task.device, dtype=task.dtype)
            fit, allocate = reporter(progress, "fit", at_source), reporter(progress, "allocate", at_source)
            lesson = task
            if isinstance(self.problem, ParametricEquation):
                lesson = range_task(self.problem, at_source, chosen.task)
            trained, fitted = cold_start(network, lesson, chosen.solver, chosen.seed, fit)
            base, results = build_base(trained, task, chosen, allocate)
            result = replace(Result.joined([fitted, *results]), z=base.start)
            member = Solution.of(task, base, result, base=0, parent=None)
        progress(ended("allocate", member))
        if task.tolerance is not None and member.status is not Status.CONVERGED:
            log.warning("the source %s ended %s: targets will hardly be better", at_source, member.status)
        return Family(self.problem, [Base(base, at_source)], [member], chosen)

    def taken_up(self, there: Record, progress: ProgressCallback) -> Family:
        """The family as far as an earlier run has come."""
        solved = family.of(there)
        for each in there.solutions:
            progress(ended("calibrate" if each.parent else "allocate", each))
        solved.settings = replace(solved.settings, criterion=self.settings.criterion, solver=self.settings.solver)
        return solved

    @classmethod
    def again(cls, solved: Family) -> Plan:
        """What a solved family was asked.

        Raises:
            FamilyFileError: if it does not know all of it.
        """
        begun = solved.requests[0].begun if solved.requests else len(solved)
        if begun != 1:
            raise FamilyFileError(
                f"this family of {solved.problem.name} does not say how it came about: it is of an earlier version, or "
                "was interrupted and then extended otherwise; solve it anew"
            )
        source = solved.source.coefficients
        return cls(solved.problem, solved.problem, source, solved.settings, list(solved.requests))

    def carry_out(self, solved: Family, progress: ProgressCallback, pool_of: PoolOf | None = None) -> Family:
        """All that the family was not asked, or has not ended yet."""
        solved.finish(progress, pool_of)
        for request in self.requests[len(solved.requests) :]:
            if isinstance(request, TargetRequest):
                solved.extend(request.targets, progress, pool_of, request.tree)
            else:
                solved.refine(request.within, request.tolerance, request.members, progress)
        return solved
