"""What is known at some coefficients, in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.interpolate import RBFInterpolator
from torch import Tensor

from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import ParameterSpace

# From the smoothest on: the others serve where coefficients are too few, or lie along a line.
_KERNELS: Sequence[dict[str, Any]] = ({"kernel": "quintic"}, {"kernel": "cubic"}, {"kernel": "linear", "degree": 0})

_ACCURACY = 1e-8  # to which given values must be met: nearly singular systems are not


class RBFInterpolation:
    """A smooth function of the coefficients through given values, by radial basis functions (Wendland 2004, chapter 6).

    Args:
        box: the coefficients that vary, over their ranges; distances are measured in its normalised places.
        cs: where the values are known.
        values: ``(k, any)``.
    """

    def __init__(self, box: ParameterSpace, cs: Sequence[Coefficients], values: Tensor) -> None:
        self._box, self._like = box, values
        self._spline = _spline(box.places(cs), values.numpy(force=True))

    def __call__(self, cs: Sequence[Coefficients]) -> Tensor:
        """Values ``(k, any)`` at other coefficients."""
        return self._like.new_tensor(self._spline(self._box.places(cs)))


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
