"""The inverse problem: measurements, the unknown coefficients, and what the misfit tells of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.equations.measurements import Measurements
from pacpinn.errors import MeasurementError
from pacpinn.inverse.unknowns import Unknowns
from pacpinn.reduced_basis.reduced_model import Answer
from pacpinn.tasks.coefficient import Coefficients


class Point(NamedTuple):
    """Measurements against the solution at given coefficients.

    Attributes:
        coefficients: which.
        differences: to the measurements in standard deviations ``(m,)``.
        slopes: of the differences by the unknowns' scaled variables ``(m, n)``.
        rest: relative accuracy of the slopes.
        solution: of the equation.
    """

    coefficients: Coefficients
    differences: np.ndarray
    slopes: np.ndarray
    rest: float
    solution: Answer | Calibrated

    @property
    def cost(self) -> float:
        """Sum of squares."""
        return float(self.differences @ self.differences)


class InverseProblem:
    """Coefficients to be found from measurements.

    Args:
        measurements: fitting the problem.
        unknowns: what is to be found.
        base: values of all other coefficients.
        start: where to begin; None where the answers of the family fit best.

    Raises:
        MeasurementError: if there are no more measurements than unknowns where the noise is to be estimated too.
    """

    def __init__(
        self, measurements: Measurements, unknowns: Unknowns, base: Coefficients, start: Coefficients | None
    ) -> None:
        _require_enough(measurements, unknowns)
        self.noise_known = measurements.deviation is not None
        self.measurements = measurements if self.noise_known else measurements.with_deviation(1.0)
        self.unknowns, self.base, self.start = unknowns, base, start

    def noise(self, point: Point) -> float:
        """Standard deviation of the noise: relative to the given deviations, else estimated from the misfit."""
        return 1.0 if self.noise_known else (point.cost / (len(point.differences) - len(self.unknowns))) ** 0.5

    def bias(self, point: Point, error: float) -> float:
        """The largest bias of an estimate, in standard errors, by a relative `error` of the solution.

        With e the solution's error at the measurements in standard deviations, the bias of an estimate in standard
        errors is at most ``|e|``, by the Cauchy-Schwarz inequality.
        """
        measured = (self.measurements.values / self.measurements.deviation)[self.measurements.known]
        noise = self.noise(point)
        return error * float(np.linalg.norm(measured)) / noise if noise > 0 else math.inf

    def covariance(self, point: Point) -> np.ndarray:
        """Of the estimates ``(n, n)``: ``s² (SᵀS)⁻¹`` with the noise s and the sensitivity S of what was measured."""
        scale = self.unknowns.slopes(point.coefficients)
        return self.noise(point) ** 2 * np.linalg.inv(point.slopes.T @ point.slopes) * np.outer(scale, scale)


def _require_enough(measurements: Measurements, unknowns: Unknowns) -> None:
    needed = len(unknowns) + (measurements.deviation is None)
    if len(measurements) < needed:
        noise = " and the noise's deviation" if measurements.deviation is None else ""
        raise MeasurementError(
            f"{len(measurements)} measurements for {len(unknowns)} unknowns ({', '.join(unknowns.names)}){noise}; "
            f"expected {needed} at least"
        )
