"""One solver after the other, each from where the last one ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Report, Result, Solver, Status, silent
from pacpinn.solvers.memory_estimate import Footprint, Sized


@dataclass(frozen=True)
class InTurn:
    """Run `solvers` in turn, such as Adam and then L-BFGS; a task that has reached its tolerance ends the sequence."""

    solvers: Sequence[Solver]

    @property
    def needs_validation(self) -> bool:
        """Whether one of them stops by validation data."""
        return any(getattr(each, "needs_validation", False) for each in self.solvers)

    def bytes_needed(self, footprint: Footprint) -> float:
        """What the solver with the largest need needs."""
        return max(each.bytes_needed(footprint) if isinstance(each, Sized) else 0.0 for each in self.solvers)

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        results: list[Result] = []
        for solver in self.solvers:
            done = sum(each.steps for each in results)
            results.append(solver(objective, z, lambda step, loss, done=done: report(done + step, loss)))  # type: ignore[misc]
            z = results[-1].z
            if results[-1].status is Status.CONVERGED and objective.tolerance is not None:
                break
        return Result.joined(results)
