"""What an estimator's y is made of: values of outputs, or labels of classes; a target's own if it has a new head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from pacpinn.errors import DataError


class OutputEncoding(ABC):
    """What a head can answer."""

    @property
    @abstractmethod
    def count(self) -> int:
        """How many outputs the network needs."""

    @abstractmethod
    def encoded(self, y: np.ndarray) -> np.ndarray:
        """Some y as a task takes it.

        Raises:
            DataError: if the head cannot answer so.
        """


@dataclass(frozen=True, eq=False)
class RegressionOutputs(OutputEncoding):
    """Values of outputs by their scale; `flat` if y is ``(rows,)``."""

    scale: Scale
    outputs: int
    flat: bool

    @classmethod
    def of(cls, y: np.ndarray, scaled: bool) -> Self:
        """Of y ``(rows,)`` or ``(rows, outputs)``, brought to mean zero and spread one if asked for."""
        values = y.reshape(len(y), -1)
        return cls(Scale.of(values) if scaled else Scale(), values.shape[1], y.ndim == 1)

    @property
    def count(self) -> int:
        return self.outputs

    def encoded(self, y: np.ndarray) -> np.ndarray:
        """Scaled values ``(rows, outputs)``."""
        values = y.reshape(len(y), -1)
        if values.shape[1] != self.outputs:
            raise DataError(
                f"the target has {values.shape[1]} outputs and the source {self.outputs}; expected the same ones: "
                'other outputs need a new head, by transfer(X, y, head="new")'
            )
        return self.scale.scaled(values)

    def decoded(self, outputs: np.ndarray) -> np.ndarray:
        """The values of a network's outputs ``(rows, outputs)``, of y's shape."""
        values = self.scale.back(outputs)
        return values[:, 0] if self.flat else values


@dataclass(frozen=True, eq=False)
class ClassOutputs(OutputEncoding):
    """Labels of classes ``(classes,)``, in order."""

    labels: np.ndarray

    @property
    def count(self) -> int:
        return len(self.labels)

    def encoded(self, y: np.ndarray) -> np.ndarray:
        """Labels 0, 1, 2, ... ``(rows,)``."""
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
