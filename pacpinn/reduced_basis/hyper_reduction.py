"""Few residuals that speak for all: a query's price must not grow with the number of collocation points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import qr
from torch import Tensor

from pacpinn.reduced_basis.reduced_residual import ReducedResidual
from pacpinn.tasks.coefficient import Coefficients

_FOR_EACH_MODE = 8  # residuals
_ROUNDS = 3  # of choices, each from the rows that are left


def select_rows(reduced: ReducedResidual, cs: Sequence[Coefficients], b: Tensor) -> Tensor:
    """Rows from which Gauss-Newton's steps are nearly those from all: a sorted list of indices.

    Residuals and Jacobians at some coefficients span nearly all that occur; pivoted QR picks the entries at which the
    leading directions of that span are best told apart (Q-DEIM: Drmač & Gugercin 2016, doi:10.1137/15M1019271), several
    for each unknown; then again among the entries that are left, since one choice determines the span but does not
    average over what lies outside.

    Args:
        reduced: the equation on all points.
        cs: some coefficients.
        b: their coordinates ``(k, modes)``.
    """
    residuals, jacobian = reduced.linearise(cs, b)
    snapshots = torch.cat([residuals[..., None], jacobian], dim=-1)
    snapshots = (snapshots / snapshots.norm(dim=1, keepdim=True).clamp(min=1e-300)).movedim(1, 0).flatten(1)
    directions = torch.linalg.svd(snapshots, full_matrices=False)[0]
    directions = directions[:, : _FOR_EACH_MODE * (b.shape[1] + 1)].numpy(force=True)
    left = np.arange(len(directions))
    for _ in range(_ROUNDS):
        pivots = qr(directions[left].T, mode="r", pivoting=True)[1][: directions.shape[1]]
        left = np.delete(left, pivots)
    return _rows_of(reduced, cs[0], b[0], set(range(len(directions))) - set(left.tolist()))


def _rows_of(reduced: ReducedResidual, c: Coefficients, b: Tensor, entries: set[int]) -> Tensor:
    """The rows on which these entries of all residuals depend; all of a condition whose points belong together."""
    blocks = reduced.blocks(c, b)
    conditions = len(reduced.points.counts)
    whole = {len(blocks) - conditions + i for i in reduced.inseparable()}
    chosen, first = [], 0
    for i, block in enumerate(blocks):
        count = block.values.shape[-1]
        if block.rows is None:
            return torch.arange(reduced.rows)
        own = [j for j in range(count) if i in whole or first + j in entries]
        if not own and i >= len(blocks) - conditions:
            own = [0]  # DeepXDE's conditions need a point
        chosen.append(block.rows[own].flatten())
        first += count
    return torch.cat(chosen).unique()
