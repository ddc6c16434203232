"""Integrals and fractional derivatives at twice the resolution: what DeepXDE's formulas leave of them.

No residual tells the error of its own formula. Residuals with twice the resolution do: the formula's error halves at
least, as Grünwald-Letnikov's is of first order, so that twice the difference is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from pacpinn.runtime.deepxde_backend import dde
from pacpinn.tasks.task import Block

_SAME = 1e-6  # of a domain's width: points so near are the same


def refined(data: Any) -> Any:
    """A newly made ``IDE``, ``FPDE`` or ``TimeFPDE`` with formulas of twice the resolution, for the same points."""
    if isinstance(data, dde.data.IDE):
        data.quad_deg *= 2
        nodes = np.polynomial.legendre.leggauss(data.quad_deg)
        data.quad_x, data.quad_w = (each.astype(dde.config.real(np)) for each in nodes)
    elif data.disc.meshtype == "dynamic":
        data.disc.resolution = [2 * count for count in data.disc.resolution]
    else:
        (count,) = data.disc.resolution
        data.disc.resolution = [2 * count - 1]  # a mesh that has all points of the other
        data.num_domain = round(data.num_domain / (count - 2)) * (2 * count - 3)  # of a TimeFPDE: as many times
    return data


def corrections(
    blocks: Sequence[Block], points: np.ndarray, finer: Sequence[Block], finer_points: np.ndarray
) -> list[Tensor]:
    """What to add to the values ``(n,)`` of the `blocks` at points ``(n, inputs)``.

    The `finer` blocks are those of formulas of twice the resolution, at points that include the others. Where one is
    not among them, nothing is added.
    """
    distance, rows = KDTree(finer_points).query(points)
    missing, at = torch.as_tensor(distance > _SAME * np.ptp(points)), torch.as_tensor(rows)
    changes = (2 * (other.values[at] - one.values).detach() for one, other in zip(blocks, finer, strict=True))
    return [change.masked_fill(missing, 0.0) for change in changes]
