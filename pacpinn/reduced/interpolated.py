"""What is known at some coefficients, in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.interpolate import RBFInterpolator
from torch import Tensor

from pacpinn.coefficient import Coefficients
from pacpinn.equation import Equation
from pacpinn.ranges import Range, shares_of

# From the smoothest on: the others serve where coefficients are too few, or lie along a line.
_KERNELS: Sequence[dict[str, Any]] = ({"kernel": "quintic"}, {"kernel": "cubic"}, {"kernel": "linear", "degree": 0})

_ACCURACY = 1e-8  # to which given values must be met: nearly singular systems are not


class Interpolated:
    """A smooth function of the coefficients through given values, by radial basis functions (Wendland 2004, chapter 6).

    Args:
        equation: in the scales of whose coefficients distances are measured.
        within: the ends of those coefficients' ranges that vary.
        cs: where the values are known.
        values: ``(k, any)``.
    """

    def __init__(self, equation: Equation, within: Range, cs: Sequence[Coefficients], values: Tensor) -> None:
        self._equation, self._within, self._like = equation, within, values
        self._spline = _spline(shares_of(equation, within, cs), values.numpy(force=True))

    def __call__(self, cs: Sequence[Coefficients]) -> Tensor:
        """Values ``(k, any)`` at other coefficients."""
        return self._like.new_tensor(self._spline(shares_of(self._equation, self._within, cs)))


def _spline(places: np.ndarray, values: np.ndarray) -> RBFInterpolator:
    *smooth, plain = _KERNELS
    for kernel in smooth:
        try:
            spline = RBFInterpolator(places, values, **kernel)
        except (ValueError, np.linalg.LinAlgError):
            continue
        if np.abs(spline(places) - values).max() <= _ACCURACY * np.abs(values).max():
            return spline
    return RBFInterpolator(places, values, **plain)
