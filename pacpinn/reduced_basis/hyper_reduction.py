"""Hyper-reduction: choose rows by Q-DEIM, so that the online cost does not depend on the number of points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import qr
from torch import Tensor

from pacpinn.reduced_basis.reduced_residual import ReducedResidual
from pacpinn.tasks.coefficient import Coefficients

_DIRECTIONS = 8  # per unknown, the mean included: as many residuals are chosen in a round
_ROUNDS = 3


def select_rows(reduced: ReducedResidual, cs: Sequence[Coefficients], b: Tensor) -> Tensor:
    """Rows that give nearly the same Gauss-Newton steps as all rows: sorted indices of points.

    Residuals and Jacobians at given coefficients span nearly all residuals and Jacobians that occur. Pivoted QR of the
    leading directions of this span picks the entries that tell the directions apart best (Q-DEIM: Drmač & Gugercin
    2016, doi:10.1137/15M1019271). Further rounds choose from the remaining entries: one round determines the
    components in the span, more rounds average out the components outside.

    Args:
        reduced: the equation on all points.
        cs: the coefficients.
        b: their coordinates ``(k, modes)``.
    """
    residuals, jacobian = reduced.linearise(cs, b)
    snapshots = torch.cat([residuals[..., None], jacobian], dim=-1)
    snapshots = (snapshots / snapshots.norm(dim=1, keepdim=True).clamp(min=1e-300)).movedim(1, 0).flatten(1)
    directions = torch.linalg.svd(snapshots, full_matrices=False)[0]
    directions = directions[:, : _DIRECTIONS * (b.shape[1] + 1)].numpy(force=True)
    remaining = np.arange(len(directions))
    for _ in range(_ROUNDS):
        pivots = qr(directions[remaining].T, mode="r", pivoting=True)[1][: directions.shape[1]]
        remaining = np.delete(remaining, pivots)
    return _rows_of(reduced, cs[0], b[0], set(range(len(directions))) - set(remaining.tolist()))


def _rows_of(reduced: ReducedResidual, c: Coefficients, b: Tensor, entries: set[int]) -> Tensor:
    """The points on which these entries of the joined residuals depend.

    Conditions whose points belong together keep all of them; so does an equation with a residual that mixes rows.
    """
    blocks = reduced.blocks(c, b)
    conditions = len(blocks) - len(reduced.points.counts)  # the first one's index
    keep_all = {conditions + i for i in reduced.inseparable()}
    chosen, first = [], 0
    for i, block in enumerate(blocks):
        count = block.values.shape[-1]
        if block.rows is None:
            return torch.arange(reduced.rows)
        own = [j for j in range(count) if i in keep_all or first + j in entries]
        if not own and i >= conditions:
            own = [0]  # DeepXDE's conditions need a point
        chosen.append(block.rows[own].flatten())
        first += count
    return torch.cat(chosen).unique()
