"""Which weights are kept and which are freed: by magnitude (Myung et al. 2022, section 3.1) or by saliency."""

from __future__ import annotations

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
"""A function of named weights and the fraction to keep, which returns named masks of the kept weights."""

SALIENCY = "saliency"


def kept_weights(
    masked: MaskedNetwork,
    keep: float,
    criterion: str | Criterion = "global",
    always_kept: Sequence[str] = (),
    always_free: Sequence[str] = (),
    task: Task | None = None,
) -> Tensor:
    """The paper's mask m ``(P,)`` of a trained network: True where a weight is kept. See :meth:`PAC.prune`.

    Raises:
        PruningError: for `keep` outside (0, 1), an unknown criterion, saliency without a task, or a mask that keeps or
            frees nothing.
    """
    require_choice(keep, criterion)
    choose = _criterion(criterion, masked, task)
    weights = masked.by_name(masked.weights)
    exempt = _exempt(weights, always_kept, always_free)
    pruned = {name: weight for name, weight in weights.items() if name not in exempt}
    masks = (choose(pruned, keep) if pruned else {}) | exempt
    kept = torch.cat([masks[name].flatten() for name in weights])
    if kept.all() or not kept.any():
        raise PruningError(
            f"keep={keep:g} {'frees' if kept.all() else 'keeps'} none of {len(kept)} weights; "
            "choose another fraction, or exempt fewer parameters"
        )
    return kept


def kept_share(base: MaskedNetwork, always_kept: Sequence[str] = (), always_free: Sequence[str] = ()) -> float:
    """The fraction of a base's weights that are kept, those exempt from the criterion not counted."""
    free = base.by_name(base.free)
    chosen = [~mask.flatten() for name, mask in free.items() if name not in _exempt(free, always_kept, always_free)]
    return float(torch.cat(chosen).double().mean()) if chosen else 0.0


def require_choice(keep: float, criterion: str | Criterion) -> None:
    """Raise :class:`PruningError` for a `keep` outside (0, 1) or an unknown criterion, whatever the network."""
    if not (isinstance(keep, int | float) and 0 < keep < 1):
        raise PruningError(f"keep={keep!r}; expected the kept fraction of the weights, strictly between 0 and 1")
    if isinstance(criterion, str) and criterion not in (known := [*CRITERIA, SALIENCY]):
        raise PruningError(f"there is no pruning criterion {criterion!r}; known are: {', '.join(known)}")


def _criterion(criterion: str | Criterion, masked: MaskedNetwork, task: Task | None) -> Criterion:
    if not isinstance(criterion, str):
        return criterion
    if criterion in CRITERIA:
        return CRITERIA[criterion]
    if task is None:
        raise PruningError("saliency is how much a weight matters to a task: give one, as prune(task=source)")
    return by_saliency(masked, task)


def _exempt(weights: dict[str, Tensor], always_kept: Sequence[str], always_free: Sequence[str]) -> dict[str, Tensor]:
    """The masks of the exempt parameters; those of both lists are kept."""
    return {
        name: torch.full_like(weight, kept, dtype=torch.bool)
        for name, weight in weights.items()
        if (kept := _matches(name, always_kept)) or _matches(name, always_free)
    }


def _matches(name: str, patterns: str | Sequence[str]) -> bool:
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def global_magnitude(weights: dict[str, Tensor], keep: float) -> dict[str, Tensor]:
    """Keep the fraction `keep` of largest magnitude in the whole network: one threshold for all layers."""
    everything = torch.cat([weight.flatten() for weight in weights.values()])
    pieces = _largest(everything, keep).split([weight.numel() for weight in weights.values()])
    return {name: piece.view(weight.shape) for (name, weight), piece in zip(weights.items(), pieces, strict=True)}


def layer_magnitude(weights: dict[str, Tensor], keep: float) -> dict[str, Tensor]:
    """Keep the fraction `keep` of largest magnitude in each parameter tensor: a threshold for each."""
    return {name: _largest(weight.flatten(), keep).view(weight.shape) for name, weight in weights.items()}


CRITERIA: dict[str, Criterion] = {"global": global_magnitude, "layer": layer_magnitude}


def by_saliency(masked: MaskedNetwork, task: Task) -> Criterion:
    """:func:`global_magnitude` of the :func:`saliency`."""
    scores = masked.by_name(saliency(masked, task))
    return lambda weights, keep: global_magnitude({name: scores[name] for name in weights}, keep)


def _largest(values: Tensor, keep: float) -> Tensor:
    mask = torch.zeros(len(values), dtype=torch.bool, device=values.device)
    mask[values.abs().topk(round(keep * len(values))).indices] = True
    return mask


def saliency(masked: MaskedNetwork, task: Task) -> Tensor:
    """``w² diag(JᵀJ)`` ``(P,)``: to second order, what the loss gains if one weight alone is set to zero.

    At a minimum the gradient is zero and ``JᵀJ`` is the Hessian's Gauss-Newton part (LeCun, Denker & Solla 1990,
    eq. 5, whose diagonal approximation this is). The task must have residuals.
    """
    return masked.weights**2 * gauss_newton_diagonal(masked, task)


def gauss_newton_diagonal(masked: MaskedNetwork, task: Task) -> Tensor:
    """``diag(JᵀJ)`` ``(P,)`` of all weights, free or not, as a mean over the task's batches."""
    all_free = masked.with_mask(None, masked.frozen_buffers)
    objective, z = Objective(task, all_free), all_free.start[None]
    squares, batches = torch.zeros_like(all_free.weights, dtype=torch.float64), 0
    for batch in task.batches(seed=0):
        point = objective.linearised_on(batch, z)
        squares += point.jacobian[0].square().sum(0) if point.factored is None else point.factored.squares()
        batches += 1
    return squares / batches


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
