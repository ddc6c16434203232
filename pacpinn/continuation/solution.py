"""Bases, and the solutions that build on them: what a family is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

from torch import Tensor

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.accuracy import presumed_error
from pacpinn.solvers.base import Result, Status
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Forward, Score, Task

UNNUMBERED = -1  # index of a base before a family has given one


@dataclass(frozen=True)
class Base:
    """A pruned network, on whose frozen weights solutions build, and the coefficients at which it was allocated.

    The pruned weights are free and at zero.
    """

    masked: MaskedNetwork
    coefficients: Coefficients


class Singularity(StrEnum):
    """Kinds of singular points: the path turns back, passes through infinity, or was left for another one."""

    FOLD = "fold"
    RESONANCE = "resonance"
    JUMP = "jump to another branch"


@dataclass(frozen=True)
class SingularPoint:
    """A point, near some coefficients, at which the path of solutions is not smooth."""

    kind: Singularity
    near: Coefficients

    def __str__(self) -> str:
        return f"{self.kind} near {self.near}"


@dataclass(frozen=True)
class Solution:
    """One member of a family: a target that was solved, or tried.

    Attributes:
        coefficients: which task.
        base: index, among the family's bases, of the one on whose frozen weights it builds; or :data:`UNNUMBERED`.
        z: its own weights: the base's free ones, ``(p,)``.
        status, steps, seconds, history: how the solve went, as in :class:`Result`.
        residual: root mean square residual on unseen points, each block in its size (for data: root training loss).
        tolerance: the largest relative error at which the task counts as solved; None for data.
        score: the task's metric on a reference or on test data; None without a reference.
        parent: the member from which the solve started; None for one that began with a fresh network, as the source.
        reached: if the target was not solved, the last coefficients on the path to it that were; else None.
        singular: a singular point between the parent and this member, or that kept it from being solved; else None.
        error_estimate, error_bound: of an equation's solution, as of
            :class:`~pacpinn.networks.error_estimate.ErrorEstimate`; None until it is asked for.
    """

    coefficients: Coefficients
    base: int
    z: Tensor
    status: Status
    steps: int
    seconds: float
    history: list[float]
    residual: float
    tolerance: float | None
    score: Score | None
    parent: Coefficients | None
    reached: Coefficients | None = None
    singular: SingularPoint | None = None
    error_estimate: float | None = None
    error_bound: float | None = None

    @property
    def excess(self) -> float:
        """Presumed error over tolerance; the residual's where no error is estimated, zero for data."""
        if self.tolerance is None:
            return 0.0
        if self.error_estimate is None:
            return self.residual / self.tolerance
        return presumed_error(self.error_estimate, self.error_bound) / self.tolerance

    @property
    def error_per_residual(self) -> float | None:
        """Presumed error over residual; None where no error is estimated."""
        if self.error_estimate is None or not self.residual > 0:
            return None
        return presumed_error(self.error_estimate, self.error_bound) / self.residual

    @classmethod
    def of(cls, task: Task, masked: MaskedNetwork, result: Result, base: int, parent: Coefficients | None) -> Solution:
        """Judge a solver's result on fresh points and against the reference."""
        with untouched():
            residual = float(Objective(task, masked).fresh_misfit(result.z[None]).sqrt())
            score = task.score(masked.forward(result.z))
        return cls(
            task.coefficients,
            base,
            result.z,
            result.status,
            result.steps,
            result.seconds,
            result.history,
            residual=residual,
            tolerance=task.tolerance,
            score=score,
            parent=parent,
            error_estimate=result.error_estimate,
            error_bound=result.error_bound,
        )


class SolutionOnBase(NamedTuple):
    """A solution together with the base on which it builds, before a family has numbered its bases."""

    solution: Solution
    base: Base

    @classmethod
    def of(cls, task: Task, base: Base, result: Result, parent: Coefficients | None) -> Self:
        return cls(Solution.of(task, base.masked, result, UNNUMBERED, parent), base)

    @property
    def coefficients(self) -> Coefficients:
        return self.solution.coefficients

    @property
    def solved(self) -> bool:
        return self.solution.status is Status.CONVERGED

    @property
    def forward(self) -> Forward:
        return self.base.masked.forward(self.solution.z)
