"""A solved family: extended by further targets, refined over a range, saved, loaded and drawn."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacpinn.continuation.calibration import batch_size
from pacpinn.continuation.settings import StepContext, TreeShape
from pacpinn.equations.equation import require_equation
from pacpinn.errors import FamilyFileError
from pacpinn.family.file import codec, container
from pacpinn.family.file.journal import Journal, locked
from pacpinn.family.file.problem_state import restored
from pacpinn.family.file.schema import Record
from pacpinn.family.progress import ProgressCallback, ended, ignore, reporter
from pacpinn.family.queries import FamilyQueries
from pacpinn.family.targets import CoefficientValues, distinct
from pacpinn.reduced_basis.greedy import Refinement, refine, require_two
from pacpinn.runtime.isolation import alone, existing_device, untouched
from pacpinn.sweep.pools import PoolOf
from pacpinn.sweep.requests import RangeRequest, Request, TargetRequest
from pacpinn.sweep.sweep import SolvedTarget, reorder_bases, roots_of, steps_of, sweep_targets
from pacpinn.tasks.parameter_space import Range
from pacpinn.tasks.problem import Problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

_PATIENCE = 30.0  # seconds for which a save waits for another process or thread that writes the file


class Family(FamilyQueries):
    """A solved problem: a mapping from coefficients to solved members, which answers queries and can be extended.

    Args:
        problem: the problem whose tasks the members solve.
        bases: the pruned and allocated networks on which members build.
        solutions: the source, then the targets.
        settings: how the members were solved, and how :meth:`extend` solves further ones.
        refinement: of a family refined over a range: the range, the tolerance and the rounds so far.
        requests: what the family was asked to solve, in order.
        finished: whether all requests were carried out.
    """

    _journal: Journal | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._digests: dict[Path, str | None] = {}  # of its files, as this object last read or wrote them

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "_online" in vars(self):  # pickled by version 0.1, which had no sizes
            del vars(self)["_online"]
            self.problem = restored(self.problem, None)

    def extend(
        self,
        targets: Iterable[CoefficientValues],
        progress: ProgressCallback = ignore,
        pool_of: PoolOf | None = None,
        tree: TreeShape | None = None,
    ) -> None:
        """Solve further targets, each from its nearest member; earlier members stay as they are.

        After an interruption the targets that are solved stay, and :meth:`finish` goes on. One thread at a time solves.

        Args:
            targets, progress: as for :func:`solve_family`.
            pool_of: where to solve them, such as ``pacpinn.sweep.dask_pool.on(client)``; by default in this process.
            tree: from which member each target starts; by default as the family's settings say. With a pool always a
                spine.
        """
        with alone():
            new = distinct(self.problem, targets, self.source.coefficients, known=list(self))
            if new:
                two = [self.source.coefficients, new[0]]
                batch = batch_size(StepContext(self.problem, self.bases, self.settings), two)
                tree = "spine" if pool_of is not None else tree or self.settings.tree
                self._begin(TargetRequest(tuple(new), len(self), batch, tree))
                self.finish(progress, pool_of)

    def refine(
        self, within: Range, tolerance: float | None = None, members: int = 40, progress: ProgressCallback = ignore
    ) -> None:
        """Solve further targets until :meth:`at` can answer every coefficient of a range to a tolerance.

        Args:
            within: the ends of each coefficient's range, as ``{"nu": (0.01, 0.05)}``.
            tolerance: largest estimated error of an answer, relative to the solution; by default the members'
                tolerance.
            members: how many members the family may have.
            progress: as for :func:`solve_family`, whose errors for ranges are raised here too.
        """
        with alone():
            require_two(members)
            ends = require_equation(self.problem).checked_range(within)
            request = RangeRequest(ends, tolerance or self._trusted, members, len(self))
            self.refinement = Refinement(ends, request.tolerance)
            self._begin(request)
            self.finish(progress)

    def finish(self, progress: ProgressCallback = ignore, pool_of: PoolOf | None = None) -> None:
        """Go on with an interrupted request, to the same family as without the interruption; without one do nothing.

        `progress` and `pool_of` are as for :meth:`extend`.
        """
        with alone():
            if not self.finished:
                request = self.requests[-1]
                for advance in self._advances(request, progress, pool_of):
                    self._take(advance, progress)
                if isinstance(request, TargetRequest) and not request.in_chain:
                    self._put_in_order(request)
                self.finished = True

    def _begin(self, request: Request) -> None:
        # If an interrupted request is given up, the requests no longer lead to the same family: all are dropped.
        self.requests = [*self.requests, request] if self.finished else [request]
        self.finished = False
        if self._journal is not None:
            self._journal.begin(self)

    def _put_in_order(self, request: TargetRequest) -> None:
        """Put members and bases into the order of the request's tree, in whatever order they were solved."""
        members = self.solutions[: request.begun]
        steps = steps_of(self.problem, list(roots_of(members, self.bases)), request)
        solved = [self._solutions[target] for step in steps for _, target in step]
        self.solutions, self.bases = reorder_bases(members + solved, self.bases)

    def _advances(self, request: Request, progress: ProgressCallback, pool_of: PoolOf | None) -> Iterator[SolvedTarget]:
        """Solve the targets of a request that are not solved yet."""
        reports, settings = partial(reporter, progress, "calibrate"), self.settings
        if isinstance(request, TargetRequest):
            context = StepContext(self.problem, self.bases, settings)
            yield from sweep_targets(context, self._solutions, request, reports, pool_of)
        else:
            equation, goal = require_equation(self.problem), self.refinement
            assert goal is not None
            steps = refine(equation, self._solutions, self.bases, goal, request.members, settings, reports)
            for advance, self.refinement in steps:
                if advance is not None:
                    yield advance

    def _take(self, advance: SolvedTarget, progress: ProgressCallback) -> None:
        solution, self.bases = advance
        self._solutions[solution.coefficients], self._model = solution, None
        if self._journal is not None:
            self._journal.add(solution, self.bases, self.refinement)
        log.info("%s: %s after %d steps", solution.coefficients, solution.status, solution.steps)
        if solution.singular is not None:
            crosses = f"the path from {solution.parent} crosses"
            words = crosses if solution.reached is None else "kept from being solved by"
            log.warning("%s: %s a %s", solution.coefficients, words, solution.singular)
        progress(ended("calibrate", solution))

    def estimate_errors(self) -> None:
        """Estimate the error of those members of an equation that have no estimate, as in a file of version 0.1."""
        for c, each in self._solutions.items():
            if each.error_estimate is None:
                found = self.error_estimate(**c)
                self._solutions[c] = replace(each, error_estimate=found.relative, error_bound=found.bound)

    @property
    def record(self) -> Record:
        """The state of the family, as its file holds it."""
        return Record(**{each.name: getattr(self, each.name) for each in fields(Record)})

    @contextmanager
    def recorded(self, journal: Journal) -> Iterator[None]:
        """A block in which each member is added to a journal when it is solved; at the end all go into one file."""
        self._journal = journal
        journal.begin(self)
        try:
            yield
        finally:
            self._journal = None
            self._digests[journal.path.resolve()] = journal.merge(self)
            if not self.finished:
                count = len(self.targets)
                log.warning("interrupted: targets solved and kept in %s: %d; --resume goes on", journal.path, count)

    def save(self, path: str | Path) -> Path:
        """Write the family to one file, whole or not at all.

        Raises:
            FamilyFileError: if the family was loaded from this file, and another process or thread has written to it
                since: members that it added would be lost.
            FamilyInUse: if another process is solving the family in this file.
        """
        path = Path(path)
        key = path.resolve()
        with locked(path, _PATIENCE):
            if key in self._digests and container.digest_of(path) not in (None, self._digests[key]):
                raise FamilyFileError(
                    f"{path} has been written by another process or thread since this family was loaded from it; save "
                    "to another file, or load it again and extend that"
                )
            self._digests[key] = codec.write_family(path, self)
        return path

    def plot(self, directory: str | Path | None = None) -> dict[str, Figure]:
        """Figures of solutions, errors and losses by name; if a `directory` is given, they are written there as PNG."""
        from pacpinn.family import plots

        figures = plots.draw(self)
        if directory is not None:
            plots.write_figures(figures, Path(directory))
        return figures


def load(path: str | Path, problem: Problem | str | Path | None = None, device: str = "cpu") -> Family:
    """A family from its file.

    Args:
        path: a file that :meth:`Family.save` wrote.
        problem: for a family of a user's own problem: the problem, which is taken as it is, or the path of its file,
            whose content must be the same as when the family was solved.
        device: where to put the tensors.

    Raises:
        FamilyFileError: if the file is damaged, is not a family file, or holds a family of another problem.
    """
    path = Path(path)
    digest = container.digest_of(path)  # read before the content: save notices a write in between
    with untouched():
        family = Family(**vars(codec.read_family(path, problem, existing_device(device))))
    family._digests[path.resolve()] = digest
    return family
