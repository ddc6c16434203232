"""Encoding of an estimator's y as a network's outputs: values for regression, labels of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from pacpinn.errors import DataError


class Scale(NamedTuple):
    """Standardisation by a mean and a spread (standard deviation)."""

    mean: np.ndarray | float = 0.0
    spread: np.ndarray | float = 1.0

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """The scale of each column of ``(rows, columns)``, or each channel of ``(rows, channels, height, width)``."""
        axes = tuple(axis for axis in range(values.ndim) if axis != 1)
        mean, spread = (f(values, axis=axes, dtype=np.float64, keepdims=True) for f in (np.mean, np.std))
        constant = spread <= 1e-12 * np.abs(mean)  # no spread but rounding
        return cls(mean, np.where(constant, 1.0, spread))

    def scaled(self, values: np.ndarray) -> np.ndarray:
        return (values - self.mean) / self.spread

    def back(self, scaled: np.ndarray) -> np.ndarray:
        return scaled * self.spread + self.mean


@dataclass(frozen=True, eq=False)
class RegressionOutputs:
    """Values by their scale."""

    scale: Scale  # of each output
    outputs: int  # their number
    flat: bool  # whether y is (rows,)

    @classmethod
    def of(cls, y: np.ndarray, scaled: bool) -> Self:
        """The encoding of y ``(rows,)`` or ``(rows, outputs)``; if `scaled`, to mean 0 and spread 1."""
        values = y.reshape(len(y), -1)
        return cls(Scale.of(values) if scaled else Scale(), values.shape[1], y.ndim == 1)

    @property
    def count(self) -> int:
        """Number of outputs that the network needs."""
        return self.outputs

    def encoded(self, y: np.ndarray) -> np.ndarray:
        """Scaled values ``(rows, outputs)``; raises :class:`DataError` for another number of outputs."""
        values = y.reshape(len(y), -1)
        if values.shape[1] != self.outputs:
            raise DataError(
                f"the target has {values.shape[1]} outputs and the source {self.outputs}; expected as many: "
                'other outputs need a new head, by transfer(X, y, head="new")'
            )
        return self.scale.scaled(values)

    def decoded(self, outputs: np.ndarray) -> np.ndarray:
        """The values, of y's shape, for a network's `outputs` ``(rows, outputs)``."""
        values = self.scale.back(outputs)
        return values[:, 0] if self.flat else values


@dataclass(frozen=True, eq=False)
class ClassOutputs:
    """Labels of classes ``(classes,)``, in order, encoded as 0, 1, 2, ..."""

    labels: np.ndarray

    @property
    def count(self) -> int:
        return len(self.labels)

    def encoded(self, y: np.ndarray) -> np.ndarray:
        """The places of y's labels ``(rows,)``; raises :class:`DataError` for unknown ones, or a single class."""
        given = np.unique(y)
        unknown = np.setdiff1d(given, self.labels)
        if len(unknown):
            raise DataError(
                f"the target has classes that the source has not: {', '.join(map(str, unknown))}; expected some of "
                f'{", ".join(map(str, self.labels))}: other classes need a new head, by transfer(X, y, head="new")'
            )
        if len(given) < 2:
            raise DataError(f"all samples are of one class, {given[0]}; expected two classes or more")
        return np.searchsorted(self.labels, y)


OutputEncoding = RegressionOutputs | ClassOutputs  # a target with a new head has one of its own
