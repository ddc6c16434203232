"""Coefficients from measurements: the equation is a constraint, the misfit is what is made least."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.stats import norm, t

from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.equations.measurements import Measurements
from pacpinn.errors import MeasurementError, PacpinnError
from pacpinn.inverse.gauss_newton_search import Point, Search, noise_of
from pacpinn.inverse.recalibration import Recalibration
from pacpinn.inverse.reduced_fit import fit_in_span
from pacpinn.inverse.unknowns import Unknowns
from pacpinn.reduced_basis.reduced_model import Answer, ReducedModel
from pacpinn.solvers.base import Status
from pacpinn.tasks.coefficient import Coefficients

_ROUNDING = 1e-9  # of a range: how near its end an answer counts as held there
_CONDITION = 100  # of sensitivities: with a larger one, what tells unknowns apart may be an error of the span
_BIAS = 0.1  # of a standard error: an answer's own error may move an estimate by so much

Kind = Literal["calibrated", "reduced basis"]


@dataclass(frozen=True, eq=False)
class Inference:
    """Coefficients that fit measurements best, and how well these determine them.

    Attributes:
        coefficients: of the task that fits best: the estimates, and the known ones.
        unknown: names of the estimates.
        covariance: of the estimates ``(n, n)``: ``s² (SᵀS)⁻¹`` with the sensitivity S of what was measured.
        deviation: of the noise: s, estimated from the misfit if it was not given; else None, and s is one in units of
            what was given.
        degrees: of freedom: how many more measurements than unknowns there are.
        misfit: root mean square of the differences, in standard deviations if these were given: then about 1 if the
            equation fits.
        bias: how far the error of the solution itself may have moved an estimate, in standard errors, at most; NaN
            if that error is not known.
        held: names of estimates at an end of their range, where standard errors say little.
        kind: how the equation was solved: ``"calibrated"``, or in the members' ``"reduced basis"`` if its error there
            is far below the noise's effect.
        status: ``converged`` if no step would change the estimates by a hundredth of a standard error.
        steps: how many coefficients were solved for.
    """

    coefficients: Coefficients
    unknown: tuple[str, ...]
    covariance: np.ndarray
    deviation: float | None
    degrees: int
    misfit: float
    bias: float
    held: tuple[str, ...]
    kind: Kind
    status: Status
    steps: int
    solution: Answer | Calibrated = field(repr=False)

    @property
    def estimates(self) -> dict[str, float]:
        """The unknown coefficients by name."""
        return {name: self.coefficients[name] for name in self.unknown}

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard deviation of each estimate over repeated measurements."""
        return dict(zip(self.unknown, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    def interval(self, confidence: float = 0.95) -> dict[str, tuple[float, float]]:
        """Ends of each estimate's confidence interval: by Student's t where the noise is estimated, else normal.

        Raises:
            PacpinnError: if the confidence is not within (0, 1).
        """
        if not 0 < confidence < 1:
            raise PacpinnError(f"confidence={confidence}; expected a share in (0, 1), such as 0.95")
        level = (1 + confidence) / 2
        times = float(norm.ppf(level) if self.deviation is None else t.ppf(level, self.degrees))
        errors = self.standard_errors
        return {
            name: (each - times * errors[name], each + times * errors[name]) for name, each in self.estimates.items()
        }

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The solution at the estimates ``(rows, outputs)`` at points `x` ``(rows, inputs)``."""
        return self.solution.predict(np.asarray(x))


def infer_coefficients(
    recalibration: Recalibration,
    model: ReducedModel | None,
    measurements: Measurements,
    unknowns: Unknowns,
    base: Coefficients,
    start: Coefficients | None,
) -> Inference:
    """Gauss-Newton on the misfit, the equation solved anew at every step (Nocedal & Wright 2006, section 10.3).

    First in the members' span, if there is one; that answer stands if the error of the span cannot move it by a tenth
    of a standard error. With e the solution's error at the measurements, in standard deviations, an estimate's bias in
    standard errors is at most ``|e|`` (Cauchy and Schwarz). Else from there by calibration.

    Args:
        recalibration: solves the equation by calibration.
        online: the family reduced to its members' span; None if it has none.
        measurements: fitting the problem.
        unknowns: what is to be found.
        base: the coefficients that are known.
        start: where to begin; by default where the best answers of the family lie.

    Raises:
        MeasurementError: if there are no more measurements than unknowns where the noise is to be estimated too.
        NotIdentifiable: if the measurements do not determine the unknowns.
        NotSolved: if the equation cannot be solved where the search begins.
    """
    _require_enough(measurements, unknowns)
    known = measurements.deviation is not None
    weighed = measurements if known else measurements.with_deviation(1.0)
    first = _in_span(model, weighed, unknowns, base, start)
    if first is not None:
        point, steps, converged = first
        assert model is not None
        assert isinstance(point.solution, Answer)
        bias = _bias(point, weighed, point.solution.error_estimate, known, len(unknowns))
        inside = all(
            low + _ROUNDING * (high - low) < point.coefficients[name] < high - _ROUNDING * (high - low)
            for name, (low, high) in model.ends.items()
            if name in unknowns.names
        )
        if converged and inside and bias <= _BIAS and np.linalg.cond(point.slopes) < _CONDITION:
            return _concluded(point, unknowns, known, bias, Status.CONVERGED, steps)
        start = point.coefficients
    search = Search(recalibration, weighed, unknowns, known)
    point, status, steps = search.from_(start or recalibration.best(weighed, base, unknowns.names))
    error = math.nan
    if model is not None and isinstance(point.solution, Calibrated):
        error = model.ratio * recalibration.residual(point.solution)
    bias = _bias(point, weighed, error, known, len(unknowns))
    return _concluded(point, unknowns, known, bias, status, steps + (first[1] if first else 0))


def _require_enough(measurements: Measurements, unknowns: Unknowns) -> None:
    needed = len(unknowns) + (measurements.deviation is None)
    if len(measurements) < needed:
        noise = " and the noise's deviation" if measurements.deviation is None else ""
        raise MeasurementError(
            f"{len(measurements)} measurements for {len(unknowns)} unknowns ({', '.join(unknowns.names)}){noise}; "
            f"expected {needed} at least"
        )


def _in_span(
    model: ReducedModel | None,
    measurements: Measurements,
    unknowns: Unknowns,
    base: Coefficients,
    start: Coefficients | None,
) -> tuple[Point, int, bool] | None:
    """The best point in the span; None where the span does not reach, or an operator of it was measured."""
    if model is None or callable(measurements.of):
        return None
    for name, (low, high) in model.ends.items():
        begin = base[name] if start is None or name not in unknowns.names else start[name]
        free = name in unknowns.names
        if (free and not low < high) or ((not free or start is not None) and not low <= begin <= high):
            return None
    values = _spread_out(measurements, measurements.values, model)
    deviation = _spread_out(measurements, measurements.deviation, model)
    found = fit_in_span(model, measurements.points, values, deviation, unknowns.names, base, start)
    slopes = found.slopes.numpy(force=True) / unknowns.ranges
    (solution,) = model.solve([found.coefficients])
    point = Point(found.coefficients, found.differences.numpy(force=True), slopes, 0.0, solution)
    return point, found.steps, found.converged


def _spread_out(measurements: Measurements, column: np.ndarray, model: ReducedModel) -> np.ndarray:
    """Values of one output among NaN for all others, ``(rows, outputs)``."""
    outputs = model.equation.outputs
    if not isinstance(measurements.of, str):
        return column
    spread = np.full((len(column), len(outputs)), np.nan)
    spread[:, list(outputs).index(measurements.of)] = column[:, 0]
    return spread


def _bias(point: Point, measurements: Measurements, error: float, known: bool, unknowns: int) -> float:
    """Largest bias of an estimate in standard errors, by a relative `error` of the solution."""
    measured = (measurements.values / measurements.deviation)[measurements.known]
    noise = noise_of(point, known, unknowns)
    return error * float(np.linalg.norm(measured)) / noise if noise > 0 else math.inf


def _concluded(point: Point, unknowns: Unknowns, known: bool, bias: float, status: Status, steps: int) -> Inference:
    noise, scale = noise_of(point, known, len(unknowns)), unknowns.slopes(point.coefficients)
    covariance = noise**2 * np.linalg.inv(point.slopes.T @ point.slopes) * np.outer(scale, scale)
    count = len(point.differences)
    return Inference(
        coefficients=point.coefficients,
        unknown=unknowns.names,
        covariance=covariance,
        deviation=None if known else noise,
        degrees=count - len(unknowns),
        misfit=(point.cost / count) ** 0.5,
        bias=bias,
        held=tuple(unknowns.held(point.coefficients)),
        kind="reduced basis" if isinstance(point.solution, Answer) else "calibrated",
        status=status,
        steps=steps,
        solution=point.solution,
    )
