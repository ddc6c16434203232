"""A solved family: one source, any number of targets, one small file."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from torch import nn

from pacpinn import archive
from pacpinn.coefficient import Coefficients
from pacpinn.cold_start import cold_start
from pacpinn.errors import CoefficientError, NotSolved, PacpinnError
from pacpinn.founding import found
from pacpinn.isolation import existing_device, untouched
from pacpinn.masked import MaskedNetwork
from pacpinn.pac import Counts
from pacpinn.parametric import ParametricEquation, parametric, range_task, span_of
from pacpinn.problem import Problem
from pacpinn.pruning import kept_weights
from pacpinn.registry import get_problem
from pacpinn.settings import Settings
from pacpinn.solution import Base, Solution
from pacpinn.solvers import Report, Result, Status
from pacpinn.task import Task
from pacpinn.walk import walk
from pacpinn.wavefront import batch_size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """Where a solve stands: passed to the `progress` callback at every step and when a solve has ended.

    Attributes:
        stage: ``"fit"`` and ``"allocate"`` for the source, ``"calibrate"`` for a target.
        coefficients: which task is being solved.
        step, loss: of the solver.
        solution: the finished member; None while the solver runs.
    """

    stage: Literal["fit", "allocate", "calibrate"]
    coefficients: Coefficients
    step: int
    loss: float
    solution: Solution | None = None


ProgressCallback = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """Show no progress."""


class Family(Mapping[Coefficients, Solution]):
    """The source and all solved targets of one problem. A mapping from coefficients to solutions, the source first.

    Args:
        problem: whose tasks these are.
        bases: the pruned and allocated networks that members build on.
        solutions: the source, then the targets.
        settings: how they were solved, and how :meth:`extend` goes on.
    """

    def __init__(
        self, problem: Problem, bases: Sequence[Base], solutions: Iterable[Solution], settings: Settings
    ) -> None:
        self.problem = problem
        self.bases = list(bases)
        self.settings = settings
        self._solutions = {solution.coefficients: solution for solution in solutions}

    def __getitem__(self, coefficients: Values) -> Solution:
        c = self.problem.at(coefficients, base=self.source.coefficients)
        found = self._solutions.get(c) or next(
            (each for each in self._solutions.values() if each.coefficients.close_to(c)), None
        )
        if found is None:
            near = self.nearest(**c).coefficients
            raise NotSolved(
                f"{self.problem.name} is not solved at {c}; the nearest member is {near}. "
                f"family.extend([{dict(c)}]) solves it, as does 'pacpinn solve' with this target"
            )
        return found

    def __contains__(self, coefficients: object) -> bool:
        try:
            return isinstance(coefficients, Mapping) and self[coefficients] is not None
        except PacpinnError:
            return False

    def __iter__(self) -> Iterator[Coefficients]:
        return iter(self._solutions)

    def __len__(self) -> int:
        return len(self._solutions)

    __eq__ = object.__eq__  # a mapping would compare tensors
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Family({self.problem.name}, source {self.source.coefficients}, {len(self) - 1} targets, {self.counts})"

    @property
    def source(self) -> Solution:
        """The source as the allocated network solves it."""
        return next(iter(self._solutions.values()))

    @property
    def targets(self) -> list[Solution]:
        """The calibrated targets, in the order in which they were solved."""
        return list(self._solutions.values())[1:]

    @property
    def counts(self) -> Counts:
        """How many weights are kept for the source and free for each target."""
        mask = self.bases[0].masked.free
        free = int(mask.sum())
        return Counts(len(mask) - free, free)

    @property
    def varying(self) -> list[str]:
        """Names of the coefficients that differ between members."""
        return [name for name in self.problem.coefficients if len({c[name] for c in self}) > 1]

    def task(self, **values: float) -> Task:
        """The task of a solved member, placed as it was solved."""
        return self.settings.task(self.problem, self[values].coefficients)

    def network(self, **values: float) -> nn.Module:
        """An independent module for a solved member: the bare network, to which :meth:`predict` adds the transform."""
        solution = self[values]
        return self.bases[solution.base].masked.module(solution.z)

    def predict(self, x: Any, **values: float) -> np.ndarray:
        """The solution at points `x` ``(rows, inputs)`` for one member: an array ``(rows, outputs)``.

        Coefficients not named are the source's; values are matched to a relative 1e-9.

        Raises:
            NotSolved: naming the nearest member, if these coefficients are not solved.
            CoefficientError: if a coefficient is unknown or outside its range.
        """
        solution = self[values]
        points = np.asarray(x)
        inputs = len(self.problem.inputs)
        if inputs and (points.ndim != 2 or points.shape[1] != inputs):
            raise PacpinnError(
                f"points of shape {points.shape}; expected (rows, {inputs}) with columns "
                f"{', '.join(self.problem.inputs)}"
            )
        return self.task(**solution.coefficients).predict(self.bases[solution.base].masked.forward(solution.z), points)

    def nearest(self, **values: float) -> Solution:
        """The member nearest to these coefficients, each measured in its own scale and range."""
        c = self.problem.at(values, base=self.source.coefficients)
        return min(self._solutions.values(), key=lambda each: self.problem.distance(each.coefficients, c))

    def table(self) -> list[dict[str, Any]]:
        """One row for each member: its varying coefficients, status, base, residual, metric, error, steps, seconds."""
        names = self.varying or list(self.problem.coefficients)
        return [
            {
                **{name: solution.coefficients[name] for name in names},
                "status": str(solution.status),
                "base": solution.base,
                "residual": solution.residual,
                "metric": solution.score.name if solution.score else None,
                "error": solution.score.value if solution.score else None,
                "steps": solution.steps,
                "seconds": solution.seconds,
            }
            for solution in self._solutions.values()
        ]

    def extend(self, targets: Iterable[Values], progress: ProgressCallback = ignore) -> None:
        """Solve further targets, each from its nearest member; members that are there already stay as they are.

        Raises:
            CoefficientError: as :func:`solve_family`.
        """
        new = _distinct(self.problem, targets, self.source.coefficients, known=list(self))
        if new and self.settings.batch != 1:
            chosen = batch_size(self.problem, [self.source.coefficients, new[0]], self.bases[0], self.settings)
            self.settings = replace(self.settings, batch=chosen)

        def reporter(target: Coefficients) -> Report:
            return _reporter(progress, "calibrate", target)

        for solution, bases in walk(self.problem, self._solutions, self.bases, new, self.settings, reporter):
            self._solutions[solution.coefficients], self.bases = solution, bases
            log.info("%s: %s after %d steps", solution.coefficients, solution.status, solution.steps)
            progress(Progress("calibrate", solution.coefficients, solution.steps, _last_loss(solution), solution))

    def save(self, path: str | Path) -> Path:
        """Write the family to one file, whole or not at all.

        Raises:
            PacpinnError: if it cannot be written.
        """
        archive.write(Path(path), self.problem, self.bases, list(self._solutions.values()), self.settings)
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


def solve_family(
    problem: Problem | str | Path,
    source: Values | None = None,
    targets: Iterable[Values] | None = None,
    *,
    progress: ProgressCallback = ignore,
    **settings: Any,
) -> Family:
    """Solve a problem at its source, prune and allocate, then calibrate to every target along a path from the source.

    Args:
        problem: a problem, the name of an installed one, or the path of a file that holds one.
        source: the source's coefficients; those not named are at their defaults.
        targets: coefficients of the targets, such as ``pp.grid(nu=[0.04, 0.03])``; by default the problem's own. Those
            not named are the source's.
        progress: called at every step and after every solve.
        settings: fields of :class:`Settings`: `keep`, `solver`, `tolerance`, `seed`, `device` and more.

    Raises:
        CoefficientError: for unknown or bad coefficients, or no target at all.
        PruningError, UnknownSolver, DeviceError: for bad settings, before any work is done.
    """
    problem = problem if isinstance(problem, Problem) else get_problem(problem)
    chosen = Settings(**settings)
    at_source = problem.at(source or {})
    new = _distinct(problem, problem.targets if targets is None else targets, at_source, known=[at_source])
    if chosen.method == "parametric":
        problem = parametric(problem, span_of([at_source, *new]))
    with untouched(chosen.seed):
        task = chosen.task(problem, at_source)
        network = problem.initial_network(chosen.seed).to(device=task.device, dtype=task.dtype)
        if chosen.method == "pac":  # bad settings show before any work
            kept_weights(MaskedNetwork(network), chosen.keep, chosen.criterion, chosen.always_kept, chosen.always_free)
        fit, allocate = _reporter(progress, "fit", at_source), _reporter(progress, "allocate", at_source)
        lesson = range_task(problem, at_source, chosen) if isinstance(problem, ParametricEquation) else task
        trained, fitted = cold_start(network, lesson, chosen.solver, chosen.seed, fit)
        base, results = found(trained, task, chosen, allocate)
        result = replace(Result.joined([fitted, *results]), z=base.start)
        member = Solution.of(task, base, result, base=0, parent=None)
        progress(Progress("allocate", at_source, member.steps, _last_loss(member), member))
        if task.tolerance is not None and member.status is not Status.CONVERGED:
            log.warning("the source %s ended %s: targets will hardly be better", at_source, member.status)
        family = Family(problem, [Base(base, at_source)], [member], chosen)
        family.extend(new, progress)
    return family


def _distinct(
    problem: Problem, targets: Iterable[Values], source: Coefficients, known: Sequence[Coefficients]
) -> list[Coefficients]:
    """Checked targets, each once, without those that are solved already."""
    if isinstance(targets, Mapping):
        raise CoefficientError(f"targets={targets} is one mapping; expected a list of them, such as [{targets}]")
    checked = [problem.at(values, base=source) for values in targets]
    if not checked:
        raise CoefficientError(
            f"no targets given for {problem.name}; expected at least one, such as "
            + ", ".join(f"{name}={each.default:g}" for name, each in list(problem.coefficients.items())[:1])
        )
    new: list[Coefficients] = []
    for target in checked:
        if any(target.close_to(other) for other in [*known, *new]):
            log.warning("%s is there already: left out of the targets", target)
        else:
            new.append(target)
    return new


def _last_loss(solution: Solution) -> float:
    return solution.history[-1] if solution.history else math.nan


def _reporter(progress: ProgressCallback, stage: Literal["fit", "allocate", "calibrate"], c: Coefficients) -> Report:
    return lambda step, loss: progress(Progress(stage, c, step, loss))
