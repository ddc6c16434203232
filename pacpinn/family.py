"""A solved family: one source, any number of targets, one small file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pacpinn import archive
from pacpinn.coefficient import Coefficients
from pacpinn.continuation import Advance
from pacpinn.isolation import existing_device, untouched
from pacpinn.problem import Problem
from pacpinn.progress import ProgressCallback, ended, ignore, reporter
from pacpinn.questions import Questions
from pacpinn.ranges import Range, checked_range
from pacpinn.refinement import Refinement, refine, require_equation
from pacpinn.solvers import Report
from pacpinn.targets import Values, distinct
from pacpinn.walk import walk
from pacpinn.wavefront import batch_size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)


class Family(Questions):
    """A solved problem: its members, and what can be asked of them and made of them.

    Args:
        problem, bases, solutions: as of :class:`Members`.
        settings: how they were solved, and how :meth:`extend` goes on.
        refinement: of a family refined over a range, how far it has come.
    """

    def extend(self, targets: Iterable[Values], progress: ProgressCallback = ignore) -> None:
        """Solve further targets, each from its nearest member; members that are there already stay as they are.

        Raises:
            CoefficientError: as :func:`solve_family`.
        """
        new = distinct(self.problem, targets, self.source.coefficients, known=list(self))
        if new and self.settings.batch != 1:
            chosen = batch_size(self.problem, [self.source.coefficients, new[0]], self.bases[0], self.settings)
            self.settings = replace(self.settings, batch=chosen)
        reports = self._reporter(progress)
        for advance in walk(self.problem, self._solutions, self.bases, new, self.settings, reports):
            self._take(advance, progress)

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
            PacpinnError: for problems that are no equations.
        """
        equation = require_equation(self.problem)
        goal = Refinement(checked_range(equation, within), tolerance or self._trusted)
        reports = self._reporter(progress)
        for advance, reached in refine(equation, self._solutions, self.bases, goal, members, self.settings, reports):
            self.refinement = reached
            if advance is not None:
                self._take(advance, progress)

    def _take(self, advance: Advance, progress: ProgressCallback) -> None:
        solution, self.bases = advance
        self._solutions[solution.coefficients], self._online = solution, None
        log.info("%s: %s after %d steps", solution.coefficients, solution.status, solution.steps)
        progress(ended("calibrate", solution))

    @staticmethod
    def _reporter(progress: ProgressCallback) -> Callable[[Coefficients], Report]:
        return lambda target: reporter(progress, "calibrate", target)

    def save(self, path: str | Path) -> Path:
        """Write the family to one file, whole or not at all.

        Raises:
            PacpinnError: if it cannot be written.
        """
        archive.write(
            Path(path), self.problem, self.bases, list(self._solutions.values()), self.settings, self.refinement
        )
        return Path(path)

    def plot(self, directory: str | Path | None = None) -> dict[str, Figure]:
        """Figures of the members, errors and losses by name; with a `directory`, written there as PNG too."""
        from pacpinn import plot

        figures = plot.figures(self)
        if directory is not None:
            plot.write(figures, Path(directory))
        return figures


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
    with untouched():
        return Family(*archive.read(Path(path), problem, existing_device(device)))
