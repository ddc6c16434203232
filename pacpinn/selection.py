"""The kept fraction and the penalty's strength, chosen on validation data."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from torch import nn

from pacpinn.errors import PacpinnError
from pacpinn.pac import PAC
from pacpinn.solvers import SolverChoice
from pacpinn.task import Task


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen.

    Attributes:
        pac: the network, pruned and allocated with the chosen fraction: calibrate it with the chosen penalty.
        keep: the kept fraction.
        penalty: the strength of the penalty of calibration.
        losses: mean validation loss of every pair of `keep` and `penalty`, infinite where it diverged.
    """

    pac: PAC
    keep: float
    penalty: float
    losses: dict[tuple[float, float], float]


def choose(
    pac: PAC,
    source: Task,
    target: Task,
    keep: Sequence[float] = (0.3, 0.5, 0.7),
    penalty: Sequence[float] = (0.0, 1e-6, 1e-4, 1e-2),
    folds: int = 4,
    solver: SolverChoice = None,
    source_solver: SolverChoice = None,
    head: nn.Module | None = None,
    head_at: str | None = None,
) -> Choice:
    """Try all pairs of kept fractions and strengths on parts of the target's training data, and judge by the rest.

    Samples are divided into folds, each of which is held out once; an equation is judged by its residual on points that
    training does not see. Test samples and references take no part.

    Args:
        pac: a network after :meth:`PAC.fit`, or trained elsewhere; it stays as it is.
        source, target: the tasks.
        keep: kept fractions to try.
        penalty: strengths of the penalty of calibration to try.
        folds: into how many parts the samples are divided.
        solver: for the target, as for :meth:`PAC.calibrate`.
        source_solver: for the allocation.
        head, head_at: as for :meth:`PAC.calibrate`.

    Raises:
        PacpinnError: if there is nothing to try, or the task has no validation data.

    Example:
        >>> choice = choose(pac, source, target, keep=(0.3, 0.7), penalty=(0.0, 1e-3))
        >>> choice.pac.calibrate(target, penalty=choice.penalty)
    """
    if not keep or not penalty:
        raise PacpinnError(f"keep={list(keep)}, penalty={list(penalty)}; expected at least one of each to try")
    networks: dict[float, PAC] = {}
    for share in keep:
        networks[share] = copy.copy(pac)
        networks[share].prune(share)
        networks[share].allocate(source, source_solver)

    def loss(share: float, strength: float, part: Task) -> float:
        trial = copy.copy(networks[share])
        trial.calibrate(part, "trial", solver, strength, head=head, head_at=head_at)
        found = part.to(trial.dtype, trial.device).validation(trial.network("trial"))
        if found is None:
            raise PacpinnError(f"{type(part).__name__} has no validation data: give a task with folds or fresh points")
        return float(found.detach()) if found.isfinite() else math.inf

    parts = target.folds(folds)
    pairs = list(itertools.product(keep, penalty))
    losses = {pair: mean(loss(*pair, part) for part in parts) for pair in pairs}
    share, strength = min(pairs, key=losses.__getitem__)
    return Choice(networks[share], share, strength, losses)
