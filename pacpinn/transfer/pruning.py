"""Which weights are kept and which are freed: by magnitude (Myung et al. 2022, section 3.1) or by saliency."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from pacpinn.errors import PruningError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.tasks.task import Task

Criterion = Callable[[dict[str, Tensor], float], dict[str, Tensor]]


def global_magnitude(weights: dict[str, Tensor], keep: float) -> dict[str, Tensor]:
    """Keep the fraction `keep` of largest magnitude in the whole network: one threshold for all layers."""
    everything = torch.cat([each.flatten() for each in weights.values()])
    pieces = _largest(everything, keep).split([each.numel() for each in weights.values()])
    return {name: piece.view(each.shape) for (name, each), piece in zip(weights.items(), pieces, strict=True)}


def layer_magnitude(weights: dict[str, Tensor], keep: float) -> dict[str, Tensor]:
    """Keep the fraction `keep` of largest magnitude in each parameter tensor: a threshold for each."""
    return {name: _largest(each.flatten(), keep).view(each.shape) for name, each in weights.items()}


def by_saliency(masked: MaskedNetwork, task: Task) -> Criterion:
    """Keep the fraction of weights that matter most to `task` in the whole network: one threshold for all layers."""
    scores = masked.by_name(saliency(masked, task))
    return lambda weights, keep: global_magnitude({name: scores[name] for name in weights}, keep)


CRITERIA: dict[str, Criterion] = {"global": global_magnitude, "layer": layer_magnitude}
SALIENCY = "saliency"


@dataclass(frozen=True)
class Counts:
    """How many weights a pruned network keeps for the source and frees for targets."""

    kept: int
    free: int

    @classmethod
    def of(cls, kept: Tensor) -> Counts:
        return cls(int(kept.sum()), int((~kept).sum()))

    def __str__(self) -> str:
        total = self.kept + self.free
        return f"{self.kept:,} of {total:,} weights kept ({self.kept / total:.0%}), {self.free:,} free"


def kept_weights(
    masked: MaskedNetwork,
    keep: float,
    criterion: str | Criterion = "global",
    always_kept: Sequence[str] = (),
    always_free: Sequence[str] = (),
    task: Task | None = None,
) -> Tensor:
    """The paper's mask m ``(P,)``: True where a weight is kept.

    Args:
        masked: the trained network.
        keep: kept fraction of the weights that are pruned by the criterion, in (0, 1).
        criterion: ``"global"`` or ``"layer"`` magnitude, ``"saliency"`` (:func:`pacpinn.transfer.pruning.saliency`), or a
            function from named weights and `keep` to named masks.
        always_kept, always_free: patterns of parameter names, such as ``"*.bias"``, exempt from the criterion.
        task: to which weights are to matter, for saliency.

    Raises:
        PruningError: for `keep` outside (0, 1), an unknown criterion, saliency without a task, or a mask that keeps or
            frees nothing.
    """
    if not (isinstance(keep, int | float) and math.isfinite(keep) and 0 < keep < 1):
        raise PruningError(f"keep={keep!r}; expected the kept fraction of the weights, strictly between 0 and 1")
    if criterion == SALIENCY:
        if task is None:
            raise PruningError("saliency asks how much a weight matters to a task: give one, as prune(task=source)")
        criterion = by_saliency(masked, task)
    if isinstance(criterion, str):
        if criterion not in CRITERIA:
            known = ", ".join([*CRITERIA, SALIENCY])
            raise PruningError(f"there is no pruning criterion {criterion!r}; known are: {known}")
        criterion = CRITERIA[criterion]
    weights = masked.by_name(masked.weights)
    fixed = {
        name: matches(name, always_kept) for name in weights if matches(name, always_kept) or matches(name, always_free)
    }
    others = {name: each for name, each in weights.items() if name not in fixed}
    masks = criterion(others, keep) if others else {}
    masks |= {name: torch.full_like(weights[name], kept, dtype=torch.bool) for name, kept in fixed.items()}
    kept = torch.cat([masks[name].flatten() for name in weights])
    if kept.all() or not kept.any():
        raise PruningError(
            f"keep={keep:g} {'frees' if kept.all() else 'keeps'} none of {len(kept)} weights; "
            "choose another fraction, or exempt fewer parameters"
        )
    return kept


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a parameter's name fits one of the patterns."""
    return any(fnmatchcase(name, each) for each in ([patterns] if isinstance(patterns, str) else patterns))


def _largest(values: Tensor, keep: float) -> Tensor:
    mask = torch.zeros(len(values), dtype=torch.bool, device=values.device)
    mask[values.abs().topk(round(keep * len(values))).indices] = True
    return mask


def saliency(masked: MaskedNetwork, task: Task) -> Tensor:
    """``w² diag(JᵀJ)`` ``(P,)``: to second order, what the loss gains if each weight alone is set to zero.

    At a minimum the gradient is zero and ``JᵀJ`` is the Hessian's Gauss-Newton part (LeCun, Denker & Solla 1990,
    eq. 5, whose diagonal approximation this is).

    Raises:
        SolverError: if the task has no residuals.
    """
    return masked.weights**2 * gauss_newton_diagonal(masked, task)


def gauss_newton_diagonal(masked: MaskedNetwork, task: Task) -> Tensor:
    """``diag(JᵀJ)`` ``(P,)`` of all weights, free or not, as a mean over the task's batches.

    Raises:
        SolverError: if the task has no residuals.
    """
    everything = masked.with_mask(None, masked.frozen_buffers)
    objective, z = Objective(task, everything), everything.start[None]
    squares, batches = torch.zeros_like(everything.weights, dtype=torch.float64), 0
    for batch in task.batches(seed=0):
        here = objective.linearised_on(batch, z)
        squares += here.jacobian[0].square().sum(0) if here.factored is None else here.factored.squares()
        batches += 1
    return squares / batches
