"""Inputs that make a solution an easier function to learn, for :meth:`pacpinn.Equation.features`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def periodic(x: Tensor, period: float, harmonics: int = 1) -> Tensor:
    """Cosines, then sines, of the first `harmonics` waves that a `period` holds: whatever sees them is periodic in `x`.

    The period is exact: both ends of an interval of its length give the same values to the last bit (Dong & Ni 2021,
    doi:10.1016/j.jcp.2021.110242).

    Args:
        x: one input ``(rows, 1)``, as ``x[:, 0:1]``.
        period: in the input's unit.
        harmonics: 1 gives the waves of the period itself, 2 those of its half too, and so on.

    Returns:
        ``(rows, 2 harmonics)``.

    Example:
        >>> torch.cat([periodic(x[:, 0:1], 2 * math.pi), x[:, 1:2]], dim=1)
    """
    return fourier(torch.remainder(x, period), [k / period for k in range(1, harmonics + 1)])


def fourier(x: Tensor, frequencies: Sequence[float] | Sequence[Sequence[float]] | Tensor) -> Tensor:
    """Cosines, then sines, of the waves with these `frequencies`, in waves a unit of `x`.

    They let a network learn what varies fast (Tancik et al. 2020, arXiv:2006.10739).

    Args:
        x: inputs ``(rows, inputs)``.
        frequencies: ``(waves,)`` for one input; ``(inputs, waves)`` for several, each column the wave's vector.

    Returns:
        ``(rows, 2 waves)``.
    """
    vectors = torch.as_tensor(frequencies, dtype=x.dtype, device=x.device).reshape(x.shape[1], -1)
    angles = x @ (2 * math.pi * vectors)
    return torch.cat([torch.cos(angles), torch.sin(angles)], dim=1)
