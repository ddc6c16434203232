"""Proper orthogonal decomposition (POD) of a family's members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_LEAST = 1e-9  # of the largest singular value: smaller ones are rounding errors of the members


@dataclass(frozen=True)
class PODBasis:
    """The affine span of given functions, ``mean + Σ b_j mode_j``, with orthonormal modes.

    The functions' weights in a combination sum to one, so that it meets every affine condition that all functions meet.

    Attributes:
        modes: weights of the functions ``(functions, 1 + modes)``; the first column gives the mean and sums to one, all
            others give the modes and sum to zero.
        coordinates: coordinates b of the functions themselves, ``(functions, modes)``.
    """

    modes: Tensor
    coordinates: Tensor

    @classmethod
    def of(cls, values: Tensor) -> PODBasis:
        """The span of functions with these `values` ``(rows, outputs, functions)`` at the same points.

        Modes are orthonormal in the mean over rows and outputs (Quarteroni, Manzoni & Negri 2016, section 6.3).
        """
        functions = values.shape[-1]
        centred = (values - values.mean(-1, keepdim=True)).flatten(0, 1) / values[..., 0].numel() ** 0.5
        _, sizes, directions = torch.linalg.svd(centred, full_matrices=False)
        kept = sizes > _LEAST * sizes[0]
        kept[functions - 1 :] = False  # centred functions are linearly dependent
        sizes, directions = sizes[kept], directions[kept].T
        mean = values.new_full((functions, 1), 1 / functions)
        return cls(torch.cat([mean, directions / sizes], dim=1), directions * sizes)

    @classmethod
    def of_subset(cls, values: Tensor, chosen: Sequence[int]) -> PODBasis:
        """The span of the functions with indices `chosen`; the weights and coordinates of all others are zero."""
        own = cls.of(values[..., chosen])
        modes, coordinates = (each.new_zeros(values.shape[-1], each.shape[1]) for each in (own.modes, own.coordinates))
        modes[chosen], coordinates[chosen] = own.modes, own.coordinates
        return cls(modes, coordinates)

    def weights(self, b: Tensor) -> Tensor:
        """Weights of the functions ``(k, functions)`` at coordinates `b` ``(k, modes)``."""
        return with_mean(b) @ self.modes.T


def with_mean(b: Tensor) -> Tensor:
    """Coordinates `b` ``(k, modes)`` after a one, the weight of the mean: ``(k, 1 + modes)``."""
    return torch.cat([b.new_ones(len(b), 1), b], dim=1)
