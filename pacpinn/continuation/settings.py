"""How a family is solved, and what all of its steps share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch

from pacpinn.continuation.effort import Effort
from pacpinn.continuation.family_methods import FAMILY_METHODS
from pacpinn.continuation.solution import Base
from pacpinn.errors import PacpinnError
from pacpinn.solvers.choice import SolverChoice
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.task import Task
from pacpinn.transfer.pruning import Criterion

TreeShape = Literal["chain", "spine"]


@dataclass(frozen=True)
class Settings:
    """How a family is solved.

    Args:
        method: a name of :data:`FAMILY_METHODS`: ``"pac"``, or one of its baselines: ``"fine-tuning"`` (all weights are
            free) and ``"last-layer"`` along the same path; ``"from-scratch"``; ``"parametric"`` (one network, with the
            coefficients as further inputs, learns the range of source and targets at once).
        keep: kept fraction of the weights, in (0, 1); more are kept where these cannot hold a source that is solved.
        criterion: which weights are kept: ``"global"`` or ``"layer"`` magnitude, or a function.
        always_kept, always_free: patterns of parameter names exempt from the criterion.
        solver: name, configured solver or sequence of them for every solve; by default one that suits the task.
        penalty: strength of both penalties; by default as the task suggests.
        tolerance: the largest estimated error at which an equation counts as solved, relative to the variation of each
            output (its root mean square about its mean over the domain); by default the problem's own.
        effort: steps, as 2000, or seconds, as ``"90 s"``, of all tries of a source, or of a target from a fresh
            network: once they are used up, no further try begins; seconds end the one that is going on, too.
            Pruning and allocation may take as many seconds again. With seconds a family may differ from machine to
            machine.
        halvings: how often a step that fails may be halved by an intermediate coefficient.
        bases: the largest number of pruned and allocated networks, the source's included.
        batch: how many targets of an equation are solved at once; by default chosen by the size of the system and the
            device. More than one needs formulas that take columns of coefficients, and the default solver.
        tree: from which member each target starts: ``"chain"``, from its nearest neighbour; or ``"spine"``: a few
            targets are solved first, and the others start from those, as many at once as there are workers. By default
            a chain, unless targets are solved in batches or on workers.
        seed: seed of the initial network and of mini-batches.
        dtype, device: where to compute; by default the task's dtype, on the CPU.

    Raises:
        PacpinnError: if the method is unknown, or tolerance, effort, penalty, halvings, bases or batch out of range.
    """

    method: str = "pac"
    keep: float = 0.7
    criterion: str | Criterion = "global"
    always_kept: Sequence[str] = ()
    always_free: Sequence[str] = ()
    solver: SolverChoice = None
    penalty: float | None = None
    tolerance: float | None = None
    effort: int | str = 2000
    halvings: int = 3
    bases: int = 6
    batch: int | None = None
    tree: TreeShape | None = None
    seed: int = 0
    dtype: torch.dtype | None = None
    device: str | torch.device | None = None

    def __post_init__(self) -> None:
        if self.method not in FAMILY_METHODS:
            raise PacpinnError(f"there is no method {self.method!r}; known are: {', '.join(FAMILY_METHODS)}")
        solved_singly = self.tree != "chain" or (self.batch or 1) == 1
        for name, valid, expected in [
            ("tolerance", self.tolerance is None or 0 < self.tolerance < math.inf, "a relative error above 0, as 1e-3"),
            ("penalty", self.penalty is None or 0 <= self.penalty < math.inf, "a strength of 0 or more, as 1e-12"),
            ("halvings", self.halvings >= 0, "0 or more"),
            ("bases", self.bases >= 1, "1 or more"),
            ("batch", self.batch is None or self.batch >= 1, "1 or more"),
            ("tree", solved_singly and self.tree in (None, "chain", "spine"), "'spine', or 'chain' without batches"),
        ]:
            if not valid:
                raise PacpinnError(f"{name}={getattr(self, name)!r}; expected {expected}")
        object.__setattr__(self, "effort", Effort.of(self.effort).stated)  # one form, to compare runs by

    def task(self, problem: Problem, c: Coefficients) -> Task:
        """The task at `c`, with the dtype, device and tolerance of these settings."""
        task = problem.task(**c).to(self.dtype, self.device)
        if self.tolerance is not None and task.tolerance is not None:
            task.tolerance = self.tolerance
        return task


class StepContext(NamedTuple):
    """What all steps of a family share: its problem, its bases so far, and its settings."""

    problem: Problem
    bases: Sequence[Base]
    settings: Settings

    def task(self, c: Coefficients) -> Task:
        return self.settings.task(self.problem, c)
