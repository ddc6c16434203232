"""A solved family: one source, any number of targets, one small file."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pacpinn.continuation.batched import batch_size
from pacpinn.continuation.settings import Settings, TreeShape
from pacpinn.continuation.solution import Base, Solution
from pacpinn.equations.equation import require_equation
from pacpinn.errors import FamilyFileError
from pacpinn.family.file import codec, container
from pacpinn.family.file.codec import Record
from pacpinn.family.file.journal import Journal, locked
from pacpinn.family.progress import ProgressCallback, ended, ignore, reporter
from pacpinn.family.queries import FamilyQueries
from pacpinn.family.targets import CoefficientValues, distinct
from pacpinn.reduced_basis.greedy import Refinement, refine, require_two
from pacpinn.runtime.isolation import alone, existing_device, untouched
from pacpinn.solvers.base import Report
from pacpinn.sweep.numbering import SolvedTarget, reorder_bases
from pacpinn.sweep.pools import PoolOf
from pacpinn.sweep.requests import RangeRequest, Request, TargetRequest
from pacpinn.sweep.sweep import steps_of, sweep_targets
from pacpinn.sweep.tree_step import StepContext
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range
from pacpinn.tasks.problem import Problem

if TYPE_CHECKING:
    from distributed import Client
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

_PATIENCE = 30.0  # seconds for which a save waits for another


class Family(FamilyQueries):
    """A solved problem: its members, and what can be asked of them and made of them.

    Args:
        problem, bases, solutions: as of :class:`Members`.
        settings: how they were solved, and how :meth:`extend` goes on.
        refinement: of a family refined over a range, how far it has come.
        requests: what it was asked to solve, in order.
        finished: whether all of that was carried out.
    """

    def __init__(
        self,
        problem: Problem,
        bases: Sequence[Base],
        solutions: Iterable[Solution],
        settings: Settings,
        refinement: Refinement | None = None,
        requests: Iterable[Request] = (),
        finished: bool = True,
    ) -> None:
        super().__init__(problem, bases, solutions, settings, refinement)
        self.requests = list(requests)
        self.finished = finished
        self._journal: Journal | None = None
        self._digests: dict[Path, str | None] = {}  # of its files, as it last saw them

    def extend(
        self,
        targets: Iterable[CoefficientValues],
        progress: ProgressCallback = ignore,
        pool_of: PoolOf | None = None,
        tree: TreeShape | None = None,
    ) -> None:
        """Solve further targets, each from its nearest member; members that are there already stay as they are.

        Interrupted, it leaves those that are solved, and :meth:`finish` goes on. One thread at a time solves.

        Args:
            targets, progress: as for :func:`solve_family`.
            pool_of: where to solve them, such as ``pacpinn.sweep.dask_pool.on(client)``; by default in this process.
            tree: from which member each starts; by default as the family's settings say, with a pool a spine.

        Raises:
            CoefficientError: as :func:`solve_family`.
        """
        with alone():
            new = distinct(self.problem, targets, self.source.coefficients, known=list(self))
            if new:
                two = [self.source.coefficients, new[0]]
                batch = batch_size(self.problem, two, self.bases[0], self.settings)
                tree = "spine" if pool_of is not None else tree or self.settings.tree
                self._carry_out(TargetRequest(tuple(new), len(self), batch, tree), progress, pool_of)

    def refine(
        self, within: Range, tolerance: float | None = None, members: int = 40, progress: ProgressCallback = ignore
    ) -> None:
        """Solve further targets until every coefficient of a range can be answered to a tolerance.

        Args:
            within: the ends of each coefficient's range, as ``{"nu": (0.01, 0.05)}``.
            tolerance: largest estimated error of an answer, relative to the solution; by default the tolerance of the
                members' residuals.
            members: how many solved members there may be.
            progress: as for :func:`solve_family`.

        Raises:
            CoefficientError: if a range is empty, reversed or of an unknown coefficient.
            PacpinnError: for problems that are no equations, and fewer than two members.
        """
        with alone():
            require_two(members)
            ends = require_equation(self.problem).checked_range(within)
            asked = RangeRequest(ends, tolerance or self._trusted, members, len(self))
            self.refinement = Refinement(ends, asked.tolerance)
            self._carry_out(asked, progress)

    def finish(self, progress: ProgressCallback = ignore, pool_of: PoolOf | None = None) -> None:
        """Go on with what was interrupted, to the same family as without the interruption; if nothing was, do nothing.

        Args:
            progress, pool_of: as for :meth:`extend`.
        """
        with alone():
            if not self.finished:
                for advance in self._advances(self.requests[-1], progress, pool_of):
                    self._take(advance, progress)
                self._put_in_order(self.requests[-1])
                self.finished = True

    def _carry_out(self, request: Request, progress: ProgressCallback, pool_of: PoolOf | None = None) -> None:
        if not self.finished:
            self.requests.clear()  # what was interrupted is given up: the requests no longer lead to the same family
        self.requests.append(request)
        self.finished = False
        if self._journal is not None:
            self._journal.begin(self.record)
        self.finish(progress, pool_of)

    def _put_in_order(self, request: Request) -> None:
        """Put members and bases into the order of the request's tree, in whatever order they were solved."""
        if isinstance(request, TargetRequest) and not request.in_chain:
            members = list(self._solutions)[: request.begun]
            order = [target for step in steps_of(self.problem, members, request) for _, target in step]
            solutions, self.bases = reorder_bases([self._solutions[c] for c in members + order], self.bases)
            self._solutions = {each.coefficients: each for each in solutions}

    def _advances(self, request: Request, progress: ProgressCallback, pool_of: PoolOf | None) -> Iterator[SolvedTarget]:
        """Solve the targets of a request that are not solved yet."""

        def reports(target: Coefficients) -> Report:
            return reporter(progress, "calibrate", target)

        if isinstance(request, TargetRequest):
            before = dict(islice(self._solutions.items(), request.begun))
            bases = self.bases[: 1 + max(each.base for each in before.values())]
            yield from sweep_targets(
                self.problem,
                before,
                bases,
                request,
                self.settings,
                reports,
                done=dict(self._solutions),
                all_bases=self.bases,
                pool_of=pool_of,
            )
        else:
            equation, goal = require_equation(self.problem), self.refinement
            assert goal is not None
            steps = refine(equation, self._solutions, self.bases, goal, request.members, self.settings, reports)
            for advance, reached in steps:
                self.refinement = reached
                if advance is not None:
                    yield advance

    def _take(self, advance: SolvedTarget, progress: ProgressCallback) -> None:
        solution, self.bases = advance
        self._solutions[solution.coefficients], self._model = solution, None
        if self._journal is not None:
            self._journal.add(solution, self.bases, self.refinement)
        log.info("%s: %s after %d steps", solution.coefficients, solution.status, solution.steps)
        if solution.singular is not None:
            crossed = solution.reached is None
            words = f"the path from {solution.parent} crosses" if crossed else "kept from being solved by"
            log.warning("%s: %s a %s", solution.coefficients, words, solution.singular)
        progress(ended("calibrate", solution))

    def estimate_errors(self, client: Client | None = None) -> None:
        """Estimate the error of every member of an equation, for the table; those that are known stay.

        Takes as long as a few steps of a calibration for each.

        Args:
            client: of a Dask cluster whose workers do it; by default this process does.

        Raises:
            PacpinnError: for problems that are no equations.
        """
        unknown = [each for each in self.values() if each.error_estimate is None]
        if client is None:
            found = [self.error_estimate(**each.coefficients).relative for each in unknown]
        else:
            from pacpinn.sweep import dask_pool

            context = StepContext(self.problem, self.bases, self.settings)
            found = list(dask_pool.error_estimates(client, context, unknown))
        for each, estimate in zip(unknown, found, strict=True):
            self._solutions[each.coefficients] = replace(each, error_estimate=estimate)

    @property
    def record(self) -> Record:
        """All that a file holds of it."""
        members = list(self._solutions.values())
        return Record(
            self.problem, self.bases, members, self.settings, self.refinement, list(self.requests), self.finished
        )

    @contextmanager
    def recorded(self, journal: Journal) -> Iterator[None]:
        """A block in which every member is written down when it is solved, and all of them to one file at the end."""
        self._journal = journal
        journal.begin(self.record)
        try:
            yield
        finally:
            self._journal = None
            self._digests[journal.path.resolve()] = journal.merge(self.record)
            if not self.finished:
                count = len(self.targets)
                log.warning("interrupted: targets solved and kept in %s: %d; --resume goes on", journal.path, count)

    def save(self, path: str | Path) -> Path:
        """Write the family to one file, whole or not at all.

        Raises:
            FamilyFileError: if it is the file from which the family came, and another process or thread has written it
                since: what that has added would be lost.
            FamilyInUse: if another process is solving the family in that file.
            PacpinnError: if it cannot be written.
        """
        path = Path(path)
        place = path.resolve()
        with locked(path, _PATIENCE):
            if place in self._digests and container.digest_of(path) not in (None, self._digests[place]):
                raise FamilyFileError(
                    f"{path} has been written by another process or thread since this family was loaded from it; save "
                    "to another file, or load it again and extend that"
                )
            self._digests[place] = codec.write_family(path, self.record)
        return path

    def plot(self, directory: str | Path | None = None) -> dict[str, Figure]:
        """Figures of the members, errors and losses by name; with a `directory`, written there as PNG too."""
        from pacpinn.family import plots

        drawn = plots.draw(self)
        if directory is not None:
            plots.write_figures(drawn, Path(directory))
        return drawn


def load(path: str | Path, problem: Problem | str | Path | None = None, device: str = "cpu") -> Family:
    """A family from its file.

    Args:
        path: what :meth:`Family.save` wrote.
        problem: for a family of a user's own problem: the problem, or the path of its file, whose content must be that
            with which the family was solved (a problem object is taken as it is).
        device: where to put it.

    Raises:
        FamilyFileError: if the file is damaged or not one of ours, or belongs to another problem.
    """
    path = Path(path)
    digest = container.digest_of(path)  # before its content: what is written in between is noticed by save
    with untouched():
        family = of(codec.read_family(path, problem, existing_device(device)))
    family._digests[path.resolve()] = digest
    return family


def of(record: Record) -> Family:
    """The family that a file holds."""
    return Family(**vars(record))
