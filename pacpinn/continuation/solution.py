"""What a family is made of: bases, and the members that build on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from torch import Tensor

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Result, Status
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Score, Task


@dataclass(frozen=True)
class Base:
    """A pruned and allocated network, on whose frozen weights members build.

    Attributes:
        masked: the network; its pruned weights are free and at zero.
        coefficients: the task to which it is allocated.
    """

    masked: MaskedNetwork
    coefficients: Coefficients


class Singularity(StrEnum):
    """What a path of solutions can come to: it turns back, leaves through infinity, or was left for another one."""

    FOLD = "fold"
    RESONANCE = "resonance"
    JUMP = "jump to another branch"


@dataclass(frozen=True)
class SingularPoint:
    """Where the path of solutions is no longer smooth.

    Attributes:
        kind: what is there.
        near: the coefficients, about.
    """

    kind: Singularity
    near: Coefficients

    def __str__(self) -> str:
        return f"{self.kind} near {self.near}"


@dataclass(frozen=True)
class Solution:
    """One solved member of a family.

    Attributes:
        coefficients: which task.
        base: index of the base whose frozen weights it builds on.
        z: its own weights: the base's free ones, ``(p,)``.
        status, steps, seconds, history: how the solve went, as in :class:`Result`.
        residual: root mean square residual on points that training did not see, in units of the equation's scale (for
            data: root of the training loss).
        tolerance: what the residual had to meet; None for data.
        score: the task's metric on a reference or on test data; None without such.
        parent: the member from which the solve started; None for the source.
        reached: of a target that was not solved, the last coefficients on the way to it that were.
        singular: a singular point between the member from which it was solved and this one, or which kept it from being
            solved; None if none was found.
        error_estimate: estimated relative L2 error of an equation's solution; None while nobody has asked for it.
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

    @classmethod
    def of(cls, task: Task, masked: MaskedNetwork, result: Result, base: int, parent: Coefficients | None) -> Solution:
        """Judge a solver's result on fresh points and against the reference."""
        with untouched():
            residual = float(Objective(task, masked).fresh_misfit(result.z[None]).sqrt())
            score = task.score(masked.forward(result.z))
        return cls(
            coefficients=task.coefficients,
            base=base,
            z=result.z,
            status=result.status,
            steps=result.steps,
            seconds=result.seconds,
            history=result.history,
            residual=residual,
            tolerance=task.tolerance,
            score=score,
            parent=parent,
        )
