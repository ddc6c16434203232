"""The inverse problem: unknown coefficients in scaled variables, measurements, and what these determine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.equations.measurements import Measurements
from pacpinn.errors import CoefficientError, MeasurementError, NotIdentifiable
from pacpinn.reduced_basis.reduced_model import Answer
from pacpinn.tasks.coefficient import Coefficient, Coefficients, Count
from pacpinn.tasks.problem import Problem

_ROUNDING = 1e-6  # of the largest singular value of the slopes: smaller ones may be errors of central differences
_SAFETY = 3  # times the slopes' known accuracy
_SHOWN = 0.05  # smallest part of a coefficient in a direction that is named
_OVERFLOW = 700.0  # exp of larger numbers is infinite


class Unknowns:
    """The coefficients to be found, as scaled variables: logarithms on a log scale, else parts of the range.

    Raises:
        CoefficientError: if there are no names, or a name is unknown, given twice, or of whole numbers only.
    """

    def __init__(self, problem: Problem, names: Sequence[str]) -> None:
        known = ", ".join(problem.coefficients)
        if not names:
            raise CoefficientError(f"no unknown given for {problem.name}; expected one at least of: {known}")
        for name in names:
            if name not in problem.coefficients:
                raise CoefficientError(f"{problem.name} has no coefficient {name!r} to find; there are: {known}")
            if isinstance(problem.coefficients[name], Count):
                raise CoefficientError(
                    f"{name} takes whole numbers only, so that there is no derivative by it; expected another one"
                )
        if len(set(names)) < len(names):
            raise CoefficientError(f"unknown={', '.join(names)} names a coefficient twice; expected every name once")
        self.names = tuple(names)
        self.coefficients: list[Coefficient] = [problem.coefficients[name] for name in names]

    def __len__(self) -> int:
        return len(self.names)

    # The scaled variables are not the normalised places of a ParameterSpace, which depend on the declared range. By
    # plain logarithms, a direction that is not determined names a product or quotient: +a -b (log scale) is a / b.
    # Normalised places would also change the last bits of all estimates.

    def places(self, c: Coefficients) -> np.ndarray:
        """The scaled variables ``(n,)`` of coefficients."""
        return np.array(
            [math.log(c[each.name]) if _log(each) else c[each.name] / _width(each) for each in self.coefficients]
        )

    def at(self, places: np.ndarray, base: Coefficients) -> Coefficients:
        """Coefficients at scaled variables `places` ``(n,)``, held within their ranges; all others as in `base`."""
        found = {}
        for each, place in zip(self.coefficients, places.tolist(), strict=True):
            value = math.exp(min(place, _OVERFLOW)) if _log(each) else place * _width(each)
            found[each.name] = min(max(value, each.low), each.high)
        return Coefficients(**{**base, **found})

    def slopes(self, c: Coefficients) -> np.ndarray:
        """Derivative of each coefficient by its scaled variable ``(n,)``."""
        return np.array([c[each.name] if _log(each) else _width(each) for each in self.coefficients])

    @property
    def ranges(self) -> np.ndarray:
        """Lengths of the coefficients' ranges in scaled variables ``(n,)``."""
        return np.array([math.log(each.high / each.low) if _log(each) else 1.0 for each in self.coefficients])

    def held(self, c: Coefficients) -> list[str]:
        """Names of the unknowns that lie at an end of their range."""
        return [each.name for each in self.coefficients if c[each.name] in (each.low, each.high)]

    def step_bounds(self, c: Coefficients) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of a step ``(n,)`` from `c`: 0 towards an end of a range at which `c` lies, else infinite."""
        lower = [0.0 if c[each.name] <= each.low else -math.inf for each in self.coefficients]
        upper = [0.0 if c[each.name] >= each.high else math.inf for each in self.coefficients]
        return np.array(lower), np.array(upper)

    def require_identifiable(self, slopes: np.ndarray, rest: float) -> None:
        """Raise :class:`NotIdentifiable`, naming a direction that the measurements do not determine, if there is one.

        `slopes` ``(m, n)`` are those of the differences by the scaled variables, accurate to `rest` times the largest.
        """
        _, sizes, directions = np.linalg.svd(slopes, full_matrices=False)
        determined = sizes[0] > 0 and sizes[-1] > max(_ROUNDING, _SAFETY * rest) * sizes[0]
        if not determined:
            raise NotIdentifiable(self._undetermined(directions[-1]))

    def _undetermined(self, direction: np.ndarray) -> str:
        direction = direction * (1 if direction[np.argmax(np.abs(direction))] > 0 else -1)
        parts = {name: part for name, part in zip(self.names, direction, strict=True) if abs(part) > _SHOWN}
        who = " and ".join(", ".join(parts).rsplit(", ", 1))
        if len(parts) == 1:
            return f"{who} cannot be found: the measurements do not depend on it; measure what does"
        along = " ".join(f"{part:+.2f} {name}" for name, part in parts.items())
        log = {_log(each) for each in self.coefficients if each.name in parts}
        scale = "each in its own scale" if len(log) > 1 else "log scale" if log.pop() else "parts of the range"
        return (
            f"{who} cannot be told apart: the measurements determine nothing along {along} ({scale}); expected fewer "
            "unknowns, or measurements of something that depends on it"
        )


def _log(each: Coefficient) -> bool:
    return each.scale == "log"


def _width(each: Coefficient) -> float:
    return each.high - each.low


class Point(NamedTuple):
    """The solution at given coefficients against the measurements."""

    coefficients: Coefficients
    differences: np.ndarray  # to the measurements in standard deviations (m,)
    slopes: np.ndarray  # of the differences by the unknowns' scaled variables (m, n)
    solution: Answer | Calibrated

    @property
    def cost(self) -> float:
        """Sum of squares."""
        return float(self.differences @ self.differences)


class InverseProblem:
    """Coefficients to be found from measurements: the unknowns, from a start if given; all others as in the base.

    Raises:
        MeasurementError: if there are no more measurements than unknowns where the noise is to be estimated too.
    """

    def __init__(
        self, measurements: Measurements, unknowns: Unknowns, base: Coefficients, start: Coefficients | None
    ) -> None:
        self.noise_known = measurements.deviation is not None
        needed = len(unknowns) + (not self.noise_known)
        if len(measurements) < needed:
            noise = "" if self.noise_known else " and the noise's deviation"
            raise MeasurementError(
                f"{len(measurements)} measurements for {len(unknowns)} unknowns ({', '.join(unknowns.names)}){noise}; "
                f"expected {needed} at least"
            )
        self.measurements = measurements if self.noise_known else measurements.with_deviation(1.0)
        self.unknowns, self.base, self.start = unknowns, base, start

    def noise(self, point: Point) -> float:
        """Standard deviation of the noise: relative to the given deviations, else estimated from the misfit."""
        return 1.0 if self.noise_known else (point.cost / (len(point.differences) - len(self.unknowns))) ** 0.5

    def bias(self, point: Point, errors: np.ndarray) -> float:
        """The largest bias of an estimate, in standard errors, by `errors` of the differences ``(m,)``.

        They move the estimates by ``S⁺ e``, to first order.
        """
        inverse, noise = np.linalg.pinv(point.slopes), self.noise(point)
        deviations = noise * np.sqrt(np.diag(inverse @ inverse.T))
        return float(np.max(np.abs(inverse @ errors) / deviations)) if noise > 0 else math.inf

    def largest_bias(self, point: Point, error: float) -> float:
        """The largest bias of an estimate, in standard errors, that a relative `error` of the solution may cause.

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
