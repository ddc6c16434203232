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
from pacpinn.solvers.choice import SolverChoice
from pacpinn.tasks.supervised import SupervisedTask
from pacpinn.tasks.task import Task
from pacpinn.transfer.pac import PAC

PRIORS = (0.01, 0.1, 1.0, 10.0, 100.0)  # strengths against the sum of the samples' losses
_FOLDS = 3
_MANY = 300  # samples from which on one fold suffices


@dataclass(frozen=True, eq=False)
class Choice:
    """A chosen kept fraction and penalty.

    Attributes:
        pac: the network, pruned and allocated with the chosen fraction: calibrate it with the chosen penalty.
        losses: mean validation loss of every pair of `keep` and `penalty`; infinite if a calibration diverged.
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
    """Choose a kept fraction and a penalty by cross-validation of all pairs on the target's training data.

    Samples are divided into folds, and every fold is held out once. An equation is judged by its residual on points
    that training does not see. Test samples and references take no part.

    Args:
        pac: a network after :meth:`PAC.fit`, or trained elsewhere; it is not changed.
        source, target: the tasks.
        keep: kept fractions to try.
        penalty: strengths of the penalty of calibration to try.
        folds: number of folds.
        solver, head, head_at: for the target, as for :meth:`PAC.calibrate`.
        source_solver: for the allocation.

    Example:
        >>> choice = choose(pac, source, target, keep=(0.3, 0.7), penalty=(0.0, 1e-3))
        >>> choice.pac.calibrate(target, penalty=choice.penalty)
    """
    if not keep or not penalty:
        raise PacpinnError(f"keep={list(keep)}, penalty={list(penalty)}; expected at least one of each to try")
    networks: dict[float, PAC] = {}
    for fraction in keep:
        networks[fraction] = copy.copy(pac)
        networks[fraction].prune(fraction)
        networks[fraction].allocate(source, source_solver)

    def loss(fraction: float, strength: float) -> float:
        return mean(_validation(networks[fraction], fold, strength, solver, head, head_at) for fold in split)

    split = target.folds(folds)
    pairs = list(itertools.product(keep, penalty))
    losses = {pair: loss(*pair) for pair in pairs}
    fraction, strength = min(pairs, key=losses.__getitem__)
    return Choice(networks[fraction], fraction, strength, losses)


def choose_prior(
    pac: PAC,
    target: SupervisedTask,
    priors: Sequence[float] = PRIORS,
    solver: SolverChoice = None,
    head: nn.Module | None = None,
    head_at: str | None = None,
    seed: int = 0,
) -> float:
    """The penalty's strength, against the sum of the samples' losses, by cross-validation on the training samples.

    There are three folds. From 300 samples on only the first of them is held out. With fewer than six samples there is
    no validation: the middle strength is taken, the larger of two.

    `pac` is a network after :meth:`PAC.allocate`, and is not changed. A single prior is taken without a trial.
    `solver`, `head` and `head_at` are as for :meth:`PAC.calibrate`.
    """
    if not priors:
        raise PacpinnError(f"priors={list(priors)}; expected at least one to try")
    rows = len(target.samples.x_train)
    if len(priors) == 1 or rows < 2 * _FOLDS:
        return sorted(priors)[len(priors) // 2]
    folds = target.folds(_FOLDS, seed)[: 1 if rows >= _MANY else _FOLDS]

    def loss(prior: float) -> float:
        strengths = [prior / len(fold.samples.x_train) for fold in folds]
        return mean(_validation(pac, *each, solver, head, head_at) for each in zip(folds, strengths, strict=True))

    return min(priors, key=loss)


def _validation(
    pac: PAC, fold: Task, strength: float, solver: SolverChoice, head: nn.Module | None, head_at: str | None
) -> float:
    """The validation loss of a target after its calibration by a copy of `pac`; infinite if it diverged."""
    trial = copy.copy(pac)
    trial.calibrate(fold, "trial", solver, strength, head=head, head_at=head_at)
    found = fold.to(trial.dtype, trial.device).validation(trial.network("trial"))
    if found is None:
        raise PacpinnError(f"{type(fold).__name__} has no validation data: give a task with folds or fresh points")
    return float(found.detach()) if found.isfinite() else math.inf
