"""The span of a family's members: what a reduced basis is made of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_LEAST = 1e-9  # of the largest singular value: below are rounding errors of the members


@dataclass(frozen=True)
class PODBasis:
    """The affine span of some functions, ``mean + Σ b_j mode_j`` with orthonormal modes.

    Combinations of members whose weights sum to one meet every condition that all members meet and that is affine.

    Attributes:
        mixing: weights of the functions ``(functions, 1 + modes)``: those of the mean, which sum to one, then those of
            each mode, which sum to zero.
        coordinates: b of the functions themselves, ``(functions, modes)``.
    """

    mixing: Tensor
    coordinates: Tensor

    @classmethod
    def of(cls, values: Tensor) -> PODBasis:
        """By proper orthogonal decomposition (Quarteroni, Manzoni & Negri 2016, section 6.3).

        Args:
            values: of the functions at some points, ``(rows, outputs, functions)``; modes are orthonormal in the mean
                over rows and outputs.
        """
        functions = values.shape[-1]
        centred = (values - values.mean(-1, keepdim=True)).flatten(0, 1) / values[..., 0].numel() ** 0.5
        _, sizes, directions = torch.linalg.svd(centred, full_matrices=False)
        kept = sizes > _LEAST * sizes[0]
        kept[functions - 1 :] = False  # centred functions are linearly dependent
        sizes, directions = sizes[kept], directions[kept].T
        mean = values.new_full((functions, 1), 1 / functions)
        return cls(torch.cat([mean, directions / sizes], dim=1), directions * sizes)

    def weights(self, b: Tensor) -> Tensor:
        """Weights of the functions ``(k, functions)`` at coordinates `b` ``(k, modes)``."""
        return with_mean(b) @ self.mixing.T


def with_mean(b: Tensor) -> Tensor:
    """Coordinates ``(k, modes)`` after a one for the mean: weights of the span's own functions, ``(k, 1 + modes)``."""
    return torch.cat([b.new_ones(len(b), 1), b], dim=1)
