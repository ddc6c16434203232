"""Hyper-reduction: choose rows by Q-DEIM, so that the online cost does not depend on the number of points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import qr
from torch import Tensor

from pacpinn.reduced_basis.reduced_residual import ReducedResidual
from pacpinn.runtime.deepxde_backend import dde
from pacpinn.tasks.coefficient import Coefficients

_DIRECTIONS = 8  # per unknown, the mean included: as many residuals are chosen in a round
_ROUNDS = 3
_ON_FIXED_POINTS = (dde.icbc.PointSetBC, dde.icbc.PointSetOperatorBC)  # a value for each point: they keep all points


def select_rows(reduced: ReducedResidual, cs: Sequence[Coefficients], b: Tensor) -> Tensor:
    """Rows that give nearly the same Gauss-Newton steps as all rows: sorted indices of points.

    Residuals and Jacobians at coefficients `cs` with coordinates `b` ``(k, modes)`` span nearly all residuals and
    Jacobians that occur. Pivoted QR of the leading directions of this span picks the entries that tell the directions
    apart best (Q-DEIM: Drmač & Gugercin 2016, doi:10.1137/15M1019271). Further rounds choose from the remaining
    entries: one round determines the components in the span, more rounds average out the components outside.
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
    """The points on which these entries of the joined residuals depend; all points if a residual mixes rows."""
    blocks, conditions = reduced.blocks(c, b), reduced.points.conditions[0]
    of_equations = [None] * (len(blocks) - len(conditions))
    chosen, first = [], 0
    for block, condition in zip(blocks, [*of_equations, *conditions], strict=True):
        if block.rows is None:
            return torch.arange(reduced.points.rows)
        count, keep_all = len(block.rows), isinstance(condition, _ON_FIXED_POINTS)
        own = [j for j in range(count) if keep_all or first + j in entries]
        if not own and condition is not None:
            own = [0]  # DeepXDE's conditions need a point
        chosen.append(block.rows[own].flatten())
        first += count
    return torch.cat(chosen).unique()
