"""The solved tasks of a family: a mapping from coefficients to solutions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.equations.equation_task import EquationTask
from pacpinn.errors import NotSolved, PacpinnError
from pacpinn.family.targets import CoefficientValues
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.task import Task
from pacpinn.transfer.pruning import Counts


class Members(Mapping[Coefficients, Solution]):
    """The source and all solved targets of one problem. A mapping from coefficients to solutions, the source first.

    Args:
        problem: whose tasks these are.
        bases: the pruned and allocated networks that members build on.
        solutions: the source, then the targets.
        settings: how they were solved.
    """

    def __init__(
        self, problem: Problem, bases: Sequence[Base], solutions: Iterable[Solution], settings: Settings
    ) -> None:
        self.problem = problem
        self.bases = list(bases)
        self.settings = settings
        self._solutions = {solution.coefficients: solution for solution in solutions}

    def __getitem__(self, coefficients: CoefficientValues) -> Solution:
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
        kind, solved = type(self).__name__, f"source {self.source.coefficients}, {len(self) - 1} targets"
        return f"{kind}({self.problem.name}, {solved}, {self.counts})"

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

    def calibrated(self, **values: float) -> Calibrated:
        """A solved member of an equation as a solution with a tangent."""
        member, task = self[values], self.task(**values)
        assert isinstance(task, EquationTask)
        return Calibrated(task, self.bases[member.base].masked, member.z)

    def nearest(self, **values: float) -> Solution:
        """The member nearest to these coefficients, each measured in its own scale and range."""
        c = self.problem.at(values, base=self.source.coefficients)
        return min(self._solutions.values(), key=lambda each: self.problem.space.distance(each.coefficients, c))

    def table(self) -> list[dict[str, Any]]:
        """One row for each member: its varying coefficients, status, base, residual, metric, error, its estimate if it
        was asked for (:meth:`Family.estimate_errors`), a singular point on the way to it, steps, seconds."""
        names = self.varying or list(self.problem.coefficients)
        return [
            {
                **{name: solution.coefficients[name] for name in names},
                "status": str(solution.status),
                "base": solution.base,
                "residual": solution.residual,
                "metric": solution.score.name if solution.score else None,
                "error": solution.score.value if solution.score else None,
                "estimate": solution.error_estimate,
                "singular": None if solution.singular is None else str(solution.singular),
                "steps": solution.steps,
                "seconds": solution.seconds,
            }
            for solution in self._solutions.values()
        ]
