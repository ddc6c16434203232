"""Measurements of a solution, and the conditions that make residuals of them, in standard deviations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import chi2
from torch import Tensor

from pacpinn.equations.collocation import inside
from pacpinn.errors import MeasurementError

Operator = Callable[[Tensor, Tensor], Tensor]  # inputs (rows, inputs) and outputs (rows, outputs) to (rows, 1)


@dataclass(frozen=True, eq=False)
class Measurements:
    """Measured values of a solution, with noise.

    Args:
        points: the points of the measurements, ``(rows, inputs)``.
        values: the values there, ``(rows, columns)``, or ``(rows,)`` for one column; NaN where an output was not
            measured.
        deviation: standard deviation of the noise: one number, or any shape that broadcasts to that of `values`. None
            if it is not known: :meth:`Family.infer` accepts that, a task does not.
        of: the measured quantity: an output by name, or any function of inputs and outputs ``(x, y) -> column``, as
            DeepXDE's operators are, which may take derivatives by `dde.grad`. By default all outputs, a column each.

    Raises:
        MeasurementError: for arrays of the wrong shape, values that are not finite, a deviation of zero or less.

    Example:
        >>> Measurements(t, x, deviation=0.01)
        >>> Measurements(t, v, deviation=0.05, of=lambda t, x: dde.grad.jacobian(x, t))
    """

    points: np.ndarray
    values: np.ndarray
    deviation: Any = None
    of: str | Operator | None = None

    def __post_init__(self) -> None:
        points, values = (_numbers(name, getattr(self, name)) for name in ("points", "values"))
        values = values[:, None] if values.ndim == 1 else values
        if points.ndim != 2 or values.ndim != 2 or len(points) != len(values) or not len(points):
            raise MeasurementError(
                f"measurements of shape {values.shape} at points of shape {points.shape}; expected (rows, columns) at "
                "(rows, inputs), one row at least"
            )
        _refuse(~np.isfinite(points).all(axis=1), "point {} is not finite; expected numbers")
        _refuse(np.isinf(values).any(axis=1), "measurement {} is infinite; expected a number")
        _refuse(
            np.isnan(values).all(axis=1),
            "measurement {} is NaN; expected a number: leave the point out (NaN stands for an output that was not "
            "measured where another one was)",
        )
        deviation = None if self.deviation is None else _deviations(self.deviation, values.shape)
        vars(self).update(points=points, values=values, deviation=deviation)

    @property
    def known(self) -> np.ndarray:
        """Whether each value was measured, ``(rows, columns)``."""
        return ~np.isnan(self.values)

    def __len__(self) -> int:
        return int(self.known.sum())

    def with_deviation(self, deviation: Any) -> Measurements:
        """The same measurements with another standard deviation."""
        return replace(self, deviation=deviation)

    def require_fit(self, name: str, inputs: Sequence[str], outputs: Sequence[str], geometry: Any) -> None:
        """Check that a problem with these inputs, outputs and domain can have such measurements."""
        if isinstance(self.of, str) and self.of not in outputs:
            raise MeasurementError(f"{name} has no output {self.of!r}; its outputs are: {', '.join(outputs)}")
        columns, measured = (len(outputs), ", ".join(outputs)) if self.of is None else (1, self.of)
        if self.points.shape[1] != len(inputs) or self.values.shape[1] != columns:
            raise MeasurementError(
                f"measurements of shape {self.values.shape} at points of shape {self.points.shape}; expected "
                f"(rows, {columns}) for {'the operator' if callable(measured) else measured}, at (rows, {len(inputs)}) "
                f"for {', '.join(inputs)}"
            )
        outside = np.flatnonzero(~inside(geometry, self.points))
        if len(outside):
            place = ", ".join(f"{key}={x:g}" for key, x in zip(inputs, self.points[outside[0]], strict=True))
            raise MeasurementError(
                f"{len(outside)} of {len(self.points)} points lie outside the domain of {name}, the first at {place} "
                f"(row {outside[0] + 1}); expected points of the domain: leave those out"
            )

    def conditions(self, outputs: Sequence[str]) -> list[Observed]:
        """One condition, as DeepXDE takes them, for each column. The standard deviation must be known."""
        if self.deviation is None:
            raise MeasurementError(
                "a task weighs measurements by their standard deviation; expected Measurements(..., deviation=0.01)"
            )
        found = []
        for k, known in enumerate(self.known.T):
            column = outputs.index(self.of) if isinstance(self.of, str) else k
            name, of = ("operator", self.of) if callable(self.of) else (outputs[column], _output(column))
            if known.any():
                found.append(Observed(name, self.points[known], self.values[known, k], self.deviation[known, k], of))
        return found


@dataclass(frozen=True, eq=False)
class Observed:
    """Misfit to measurements in standard deviations: a condition with the interface of `PointSetOperatorBC`."""

    name: str  # of the measured quantity
    points: np.ndarray  # of the measurements, (n, inputs)
    values: np.ndarray  # measured there, (n,)
    deviation: np.ndarray  # standard deviations of the values, (n,)
    of: Operator  # the measured quantity
    weight: float = 1.0  # of the mean square misfit in the loss

    def collocation_points(self, _: np.ndarray) -> np.ndarray:
        """The points that DeepXDE adds to its own for this condition."""
        return self.points

    def error(self, _: Any, inputs: Tensor, outputs: Tensor, begin: int, end: int, __: Any = None) -> Tensor:
        """``(of(x, y) - values) / deviation`` as a column ``(n, 1)``; DeepXDE calls it."""
        values, deviation = (inputs.new_tensor(each)[:, None] for each in (self.values, self.deviation))
        return (self.of(inputs, outputs)[begin:end] - values) / deviation


def observed(measurements: Sequence[Measurements], outputs: Sequence[str], weight: float) -> list[Observed]:
    """The conditions of measurements; the mean square misfit of all of them together has this `weight`."""
    conditions = [condition for each in measurements for condition in each.conditions(outputs)]
    count = sum(len(each.values) for each in conditions)
    return [replace(each, weight=weight * len(each.values) / count) for each in conditions]


def expected_misfit(measurements: Sequence[Measurements]) -> float:
    """``sqrt(1 + q)``: 1 for the equation; q is the mean square misfit that noise exceeds once in a thousand times."""
    count = sum(len(each) for each in measurements)
    return float((1 + chi2.ppf(0.999, count) / count) ** 0.5) if count else 1.0


class Fit(NamedTuple):
    """How well a network solves an equation and fits measurements, as root mean squares."""

    residual: float  # on points that training does not see, in units of the equation's scale
    misfit: float = 0.0  # difference to the measurements in their standard deviations: about 1 if they fit


def _output(column: int) -> Operator:
    return lambda x, y: y[:, column : column + 1]


def _numbers(name: str, given: Any) -> np.ndarray:
    try:
        return np.array(given, dtype=float)
    except (TypeError, ValueError):
        raise MeasurementError(f"the {name} of the measurements are not an array of numbers; expected one") from None


def _deviations(given: Any, shape: tuple[int, ...]) -> np.ndarray:
    found = _numbers("deviation", given)
    if not (np.isfinite(found).all() and (found > 0).all()):
        raise MeasurementError(f"deviation={given}; expected the measurements' standard deviation, above 0")
    try:
        return np.broadcast_to(found, shape)
    except ValueError:
        raise MeasurementError(
            f"deviation of shape {found.shape}; expected a number, or a shape that broadcasts to {shape}"
        ) from None


def _refuse(bad: np.ndarray, message: str) -> None:
    """Raise an error that names the first of the rows that are bad, ``(rows,)``."""
    if bad.any():
        raise MeasurementError(message.format(f"{int(np.argmax(bad)) + 1} of {len(bad)}"))
