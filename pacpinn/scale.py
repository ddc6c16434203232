"""Inputs and values brought to mean zero and spread one, and back."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np


class Scale(NamedTuple):
    """A mean and a spread, to be taken away and put back."""

    mean: np.ndarray | float = 0.0
    spread: np.ndarray | float = 1.0

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """Of each column of ``(rows, columns)``, of images ``(rows, channels, height, width)`` each channel."""
        axes = tuple(axis for axis in range(values.ndim) if axis != 1)
        mean, spread = (f(values, axis=axes, dtype=np.float64, keepdims=True) for f in (np.mean, np.std))
        constant = spread <= 1e-12 * np.abs(mean)  # no spread but that of rounding
        return cls(mean, np.where(constant, 1.0, spread))

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Less the mean, over the spread."""
        return (values - self.mean) / self.spread

    def back(self, scaled: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`scaled`."""
        return scaled * self.spread + self.mean
