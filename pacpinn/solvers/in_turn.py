"""Several solvers in turn, each of which starts where the one before ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Report, Result, Solver, Status, silent
from pacpinn.solvers.memory_estimate import Footprint, Sized


@dataclass(frozen=True)
class InTurn:
    """Runs `solvers` in turn, such as Adam and then L-BFGS; ends early if the task has reached its tolerance."""

    solvers: Sequence[Solver]

    @property
    def needs_validation(self) -> bool:
        """Whether one of the solvers stops by validation data."""
        return any(getattr(solver, "needs_validation", False) for solver in self.solvers)

    def bytes_needed(self, footprint: Footprint) -> float:
        """The largest need of the solvers."""
        return max(solver.bytes_needed(footprint) if isinstance(solver, Sized) else 0.0 for solver in self.solvers)

    def __call__(self, objective: Objective, z: Tensor, report: Report = silent) -> Result:
        results: list[Result] = []
        for solver in self.solvers:
            done = sum(result.steps for result in results)
            results.append(solver(objective, z, _counted_from(done, report)))
            z = results[-1].z
            if results[-1].status is Status.CONVERGED and objective.tolerance is not None:
                break
        return Result.joined(results)


def _counted_from(done: int, report: Report) -> Report:
    return lambda step, loss: report(done + step, loss)
