"""The solved members of a family: a mapping from coefficients to solutions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import nn

from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.continuation.solution import Solution
from pacpinn.equations.equation_task import EquationTask
from pacpinn.errors import NotSolved, PacpinnError
from pacpinn.family.file.schema import Record
from pacpinn.family.targets import CoefficientValues
from pacpinn.tasks.coefficient import CoefficientIndex, Coefficients
from pacpinn.tasks.task import Task
from pacpinn.transfer.pruning import Counts


class Members(Record, Mapping[Coefficients, Solution]):
    """The source and all solved targets of one problem: a mapping from coefficients to solutions, the source first."""

    _index = CoefficientIndex()

    @property
    def solutions(self) -> list[Solution]:
        """The source, then the targets."""
        return list(self._solutions.values())

    @solutions.setter
    def solutions(self, solutions: Iterable[Solution]) -> None:
        self._solutions = {each.coefficients: each for each in solutions}
        self._index = CoefficientIndex()

    def __getitem__(self, coefficients: CoefficientValues) -> Solution:
        c = self.problem.at(coefficients, base=self.source.coefficients)
        found = self._solutions.get(c) or self._close_to(c)
        if found is None:
            near = self.nearest(**c).coefficients
            raise NotSolved(
                f"{self.problem.name} is not solved at {c}; the nearest member is {near}. "
                f"family.extend([{dict(c)}]) solves it, as does 'pacpinn solve' with this target"
            )
        return found

    def _close_to(self, c: Coefficients) -> Solution | None:
        """The member whose coefficients differ from `c` by rounding alone."""
        if len(self._index) != len(self._solutions):
            self._index = CoefficientIndex(self._solutions)
        found = self._index.find(c)
        return None if found is None else self._solutions[found]

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
        """The source, as the pruned and allocated network solves it."""
        return next(iter(self._solutions.values()))

    @property
    def targets(self) -> list[Solution]:
        """The calibrated targets, in the order in which they were solved."""
        return self.solutions[1:]

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
        """The task of a solved member, with the dtype, device and tolerance with which it was solved."""
        return self.settings.task(self.problem, self[values].coefficients)

    def network(self, **values: float) -> nn.Module:
        """The network of a solved member as a module of its own, without what :meth:`predict` does before and after.

        That is, with an equation's ``sizes = problem.sizes_at(c)``: ``problem.features(x, c)``, by default
        ``sizes.scaled_inputs(x)``, are its inputs; ``problem.transform`` takes ``sizes.sized_outputs`` of its outputs.
        """
        solution = self[values]
        return self.bases[solution.base].masked.module(solution.z)

    def calibrated(self, **values: float) -> Calibrated:
        """A solved member of an equation, as a solution whose tangent by the coefficients can be computed."""
        member, task = self[values], self.task(**values)
        assert isinstance(task, EquationTask)
        return Calibrated(task, self.bases[member.base].masked, member.z)

    def nearest(self, **values: float) -> Solution:
        """The member nearest to these coefficients, by the distance in normalised places of the parameter space."""
        c = self.problem.at(values, base=self.source.coefficients)
        space = self.problem.space
        return min(self._solutions.values(), key=lambda each: space.distance(each.coefficients, c))

    def table(self) -> list[dict[str, Any]]:
        """One row for each member: its varying coefficients, then what is known of its solution.

        Estimated error and bound are None where no residual tells the error, as for data, and in a file of version 0.1
        until :meth:`Family.estimate_errors` is called.
        """
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
                "bound": solution.error_bound,
                "singular": None if solution.singular is None else str(solution.singular),
                "steps": solution.steps,
                "seconds": solution.seconds,
            }
            for solution in self._solutions.values()
        ]
