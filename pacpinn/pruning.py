"""Which weights are kept and which are freed: pruning by magnitude (Myung et al. 2022, section 3.1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from pacpinn.errors import PruningError
from pacpinn.masked import MaskedNetwork

Criterion = Callable[[dict[str, Tensor], float], dict[str, Tensor]]


def global_magnitude(weights: dict[str, Tensor], keep: float) -> dict[str, Tensor]:
    """Keep the fraction `keep` of largest magnitude in the whole network: one threshold for all layers."""
    everything = torch.cat([each.flatten() for each in weights.values()])
    mask = _largest(everything, keep)
    pieces = mask.split([each.numel() for each in weights.values()])
    return {name: piece.view(each.shape) for (name, each), piece in zip(weights.items(), pieces, strict=True)}


def layer_magnitude(weights: dict[str, Tensor], keep: float) -> dict[str, Tensor]:
    """Keep the fraction `keep` of largest magnitude in each parameter tensor: a threshold for each."""
    return {name: _largest(each.flatten(), keep).view(each.shape) for name, each in weights.items()}


CRITERIA: dict[str, Criterion] = {"global": global_magnitude, "layer": layer_magnitude}


def kept_weights(
    masked: MaskedNetwork,
    keep: float,
    criterion: str | Criterion = "global",
    always_kept: Sequence[str] = (),
    always_free: Sequence[str] = (),
) -> Tensor:
    """The paper's mask m ``(P,)``: True where a weight is kept.

    Args:
        masked: the trained network.
        keep: kept fraction of the weights that are pruned by the criterion, in (0, 1).
        criterion: a name of :data:`CRITERIA`, or a function from named weights and `keep` to named masks.
        always_kept, always_free: patterns of parameter names, such as ``"*.bias"``, exempt from the criterion.

    Raises:
        PruningError: for `keep` outside (0, 1), an unknown criterion, or a mask that keeps or frees nothing.
    """
    if not (isinstance(keep, int | float) and math.isfinite(keep) and 0 < keep < 1):
        raise PruningError(f"keep={keep!r}; expected the kept fraction of the weights, strictly between 0 and 1")
    if isinstance(criterion, str):
        if criterion not in CRITERIA:
            raise PruningError(f"there is no pruning criterion {criterion!r}; known are: {', '.join(CRITERIA)}")
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
