"""Interpolation over the coefficients by radial basis functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import RBFInterpolator
from torch import Tensor

from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import ParameterSpace

_SMOOTH = ("quintic", "cubic")  # the smoothest first; linear where coefficients are too few, or all lie on a line
_ACCURACY = 1e-8  # relative, at the given values: an interpolant that misses them comes from a nearly singular system


class RBFInterpolation:
    """A smooth function of the coefficients through given values, by radial basis functions (Wendland 2004, chapter 6).

    Args:
        box: the coefficients that vary, over their ranges; distances are measured in its normalised places.
        cs: where the values are known.
        values: there, ``(k, any)``.
    """

    def __init__(self, box: ParameterSpace, cs: Sequence[Coefficients], values: Tensor) -> None:
        self._box, self._like = box, values
        self._interpolator = _interpolator(box.places(cs), values.numpy(force=True))

    def __call__(self, cs: Sequence[Coefficients]) -> Tensor:
        """Values ``(k, any)`` at other coefficients."""
        return self._like.new_tensor(self._interpolator(self._box.places(cs)))


def _interpolator(places: np.ndarray, values: np.ndarray) -> RBFInterpolator:
    for kernel in _SMOOTH:
        try:
            found = RBFInterpolator(places, values, kernel=kernel)
        except (ValueError, np.linalg.LinAlgError):
            continue
        if np.abs(found(places) - values).max() <= _ACCURACY * np.abs(values).max():
            return found
    return RBFInterpolator(places, values, kernel="linear", degree=0)
