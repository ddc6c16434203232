"""Variants of PAC, developed on the open tasks and judged once on those held out."""

from __future__ import annotations

from pacpinn.allocation import gradually_allocated
from pacpinn.masked import MaskedNetwork
from pacpinn.pruning import kept_weights
from pacpinn.solvers import silent
from paper.ways import Calibration, Sources, Way

ROUNDS = 4


def gradual(sources: Sources, keep: float) -> MaskedNetwork:
    """Pruned and allocated in rounds."""
    return gradually_allocated(sources.fitted, keep, ROUNDS, "global", sources.task, None, None, sources.seed, silent)


def salient(sources: Sources, keep: float) -> MaskedNetwork:
    """Pruned by what the source's loss would gain without a weight."""
    return sources.allocated(kept_weights(sources.fitted, keep, "saliency", task=sources.task))


VARIANTS: dict[str, Way] = {
    "PAC, gradual": Calibration.of(gradual, (0.1, 0.3)),
    "PAC, saliency": Calibration.of(salient, (0.1, 0.5)),
}
