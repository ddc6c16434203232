"""Periodic and Fourier features of the inputs, for :meth:`pacpinn.Equation.features`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def periodic(x: Tensor, period: float, harmonics: int = 1) -> Tensor:
    """``cos(2 pi k x / period)``, then ``sin(2 pi k x / period)``, for k = 1 to `harmonics`: ``(rows, 2 harmonics)``.

    A network of these features is exactly periodic in `x`: both ends of a period give the same values to the last bit
    (Dong & Ni 2021, doi:10.1016/j.jcp.2021.110242).

    Args:
        x: one input ``(rows, 1)``, as ``x[:, 0:1]``.
        period: in the input's unit.
        harmonics: number of multiples of the base frequency ``1 / period``.

    Example:
        >>> torch.cat([periodic(x[:, 0:1], 2 * math.pi), x[:, 1:2]], dim=1)
    """
    return fourier(torch.remainder(x, period), [k / period for k in range(1, harmonics + 1)])


def fourier(x: Tensor, frequencies: Sequence[float] | Sequence[Sequence[float]] | Tensor) -> Tensor:
    """``cos(2 pi x·f)``, then ``sin(2 pi x·f)``, for all `frequencies` f in cycles per unit: ``(rows, 2 waves)``.

    With them a network learns solutions that vary fast (Tancik et al. 2020, arXiv:2006.10739).

    Args:
        x: inputs ``(rows, inputs)``.
        frequencies: ``(waves,)`` for one input; ``(inputs, waves)`` for several, one frequency vector in each column.
    """
    vectors = torch.as_tensor(frequencies, dtype=x.dtype, device=x.device).reshape(x.shape[1], -1)
    angles = x @ (2 * math.pi * vectors)
    return torch.cat([torch.cos(angles), torch.sin(angles)], dim=1)
