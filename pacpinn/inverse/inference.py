"""Coefficients from measurements, with standard errors: the misfit is minimised, and the equation holds exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.stats import norm, t

from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.equations.measurements import Measurements
from pacpinn.errors import NotSolved, PacpinnError
from pacpinn.inverse.gauss_newton_search import Search
from pacpinn.inverse.inverse_problem import InverseProblem, Point
from pacpinn.inverse.recalibration import Recalibration, Start
from pacpinn.inverse.reduced_fit import ReducedFit
from pacpinn.reduced_basis.reduced_model import Answer, Kind, ReducedModel
from pacpinn.solvers.base import Status
from pacpinn.tasks.coefficient import Coefficients

_ROUNDING = 1e-9  # of a range: an estimate this close to an end counts as held there
_CONDITION = 100  # of the slopes: above, the smallest direction may be an error of the span
_BIAS = 0.1  # of a standard error: largest bias by the solution's own error
_TIGHTER, _LEAST = 3, 1e-2  # solves to a smaller tolerance at most, and how many times as large it is at least


@dataclass(frozen=True, eq=False)
class Inference:
    """Coefficients that fit measurements best, and how well these determine them.

    Attributes:
        coefficients: of the task that fits best: the estimates, and the known ones.
        unknown: names of the estimates.
        covariance: of the estimates ``(n, n)``: ``s² (SᵀS)⁻¹`` with the sensitivity S of what was measured.
        deviation: s, the standard deviation of the noise, estimated from the misfit. None if deviations were given;
            then s is 1, in units of these.
        degrees: degrees of freedom: the number of measurements less that of unknowns.
        misfit: root mean square of the differences; in standard deviations, if these were given: then about 1 if the
            equation fits.
        bias: how far the estimated error of the solution itself has moved an estimate at most, in standard errors; NaN
            if that error is not known.
        held: names of estimates at an end of their range, where standard errors say little.
        kind: how the equation was solved: ``"calibrated"``, or ``"reduced basis"`` if the error of the members' span is
            far below the effect of the noise.
        status: ``converged`` if no step would change the estimates by a hundredth of a standard error.
        steps: how many coefficients the equation was solved for.
        solution: of the equation at the estimates.
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

        The bias by the solution's own error is added to both sides.

        Raises:
            PacpinnError: if the confidence is not within (0, 1).
        """
        if not 0 < confidence < 1:
            raise PacpinnError(f"confidence={confidence}; expected a share in (0, 1), such as 0.95")
        level = (1 + confidence) / 2
        times = float(norm.ppf(level) if self.deviation is None else t.ppf(level, self.degrees))
        times += 0.0 if math.isnan(self.bias) else self.bias
        errors = self.standard_errors
        return {
            name: (each - times * errors[name], each + times * errors[name]) for name, each in self.estimates.items()
        }

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The solution at the estimates ``(rows, outputs)`` at points `x` ``(rows, inputs)``."""
        return self.solution.predict(np.asarray(x))


def infer_coefficients(recalibration: Recalibration, model: ReducedModel | None, problem: InverseProblem) -> Inference:
    """Minimise the misfit by Gauss-Newton; the equation is solved at every step (Nocedal & Wright 2006, section 10.3).

    First in the members' span, if there is a reduced model. This result is final if the error of the span can move no
    estimate by more than a tenth of a standard error. Else the search continues from there by calibration; to a smaller
    tolerance, as long as the error of the solution moves an estimate by more than that and the equation can be solved.
    """
    in_span = None if model is None else _minimise_in_span(problem, model)
    if in_span is not None and in_span.trusted:
        return _concluded(problem, in_span.point, in_span.bias, Status.CONVERGED, in_span.steps)
    start = problem.start if in_span is None else in_span.point.coefficients
    if start is None:
        start = recalibration.best(problem.measurements, problem.base, problem.unknowns.names)
    found = _calibrated(problem, recalibration, start, None)
    steps = found.steps + (0 if in_span is None else in_span.steps)
    for _ in range(_TIGHTER):
        if not found.bias > _BIAS or math.isinf(found.bias):
            break
        recalibration = recalibration.tighter(max(_BIAS / (2 * found.bias), _LEAST))
        solution = found.point.solution
        assert isinstance(solution, Calibrated)
        try:
            again = _calibrated(problem, recalibration, found.point.coefficients, Start(solution.base, solution.z))
        except NotSolved:
            break
        steps += again.steps
        if again.status is not Status.CONVERGED or not again.bias < found.bias:
            break
        found = again
    return _concluded(problem, found.point, found.bias, found.status, steps)


class _ByCalibration(NamedTuple):
    point: Point
    bias: float
    status: Status
    steps: int


def _calibrated(
    problem: InverseProblem, recalibration: Recalibration, start: Coefficients, nearby: Start | None
) -> _ByCalibration:
    """The best point by calibration, from a solution `nearby` if one is given."""
    search = Search(recalibration, problem)
    point, status = search.minimise(start, nearby)
    assert isinstance(point.solution, Calibrated)
    errors = point.solution.error_of(problem.measurements)
    return _ByCalibration(point, math.nan if errors is None else problem.bias(point, errors), status, search.solved)


class _InSpan(NamedTuple):
    point: Point
    bias: float
    steps: int
    trusted: bool  # so that no calibration is needed


def _minimise_in_span(problem: InverseProblem, model: ReducedModel) -> _InSpan | None:
    """The best point in the span; None if coefficients lie outside the model's range, or an operator was measured."""
    measured, names = problem.measurements, problem.unknowns.names
    if callable(measured.of) or not _within_ends(problem, model):
        return None
    values, deviation = (_by_output(measured, each, model) for each in (measured.values, measured.deviation))
    c, minimum = ReducedFit(model, measured.points, values, deviation, names, problem.base).minimise(problem.start)
    slopes = minimum.jacobian[0].numpy(force=True) / problem.unknowns.ranges
    (answer,) = model.solve([c])
    point = Point(c, minimum.residuals[0].numpy(force=True), slopes, answer)
    bias = problem.largest_bias(point, answer.error_estimate)
    sound = minimum.converged and _inside(c, names, model)
    trusted = sound and bias <= _BIAS and bool(np.linalg.cond(slopes) < _CONDITION)
    return _InSpan(point, bias, minimum.iterations, trusted)


def _within_ends(problem: InverseProblem, model: ReducedModel) -> bool:
    """Whether the unknowns vary over the members, and known coefficients and start lie in the members' range."""
    names = problem.unknowns.names
    given = {name: value for name, value in problem.base.items() if name not in names}
    if problem.start is not None:
        given |= {name: problem.start[name] for name in names}
    varying = all(model.ends[name][0] < model.ends[name][1] for name in names)
    return varying and all(model.ends[name][0] <= value <= model.ends[name][1] for name, value in given.items())


def _inside(c: Coefficients, names: tuple[str, ...], model: ReducedModel) -> bool:
    """Whether the estimates do not lie at an end of the members' range."""
    ranges = [(c[name], *model.ends[name]) for name in names]
    return all(low + _ROUNDING * (high - low) < value < high - _ROUNDING * (high - low) for value, low, high in ranges)


def _by_output(measurements: Measurements, column: np.ndarray, model: ReducedModel) -> np.ndarray:
    """Numbers of the measurements as an array ``(rows, outputs)``, NaN for outputs that were not measured."""
    outputs = model.equation.outputs
    if not isinstance(measurements.of, str):
        return column
    spread = np.full((len(column), len(outputs)), np.nan)
    spread[:, list(outputs).index(measurements.of)] = column[:, 0]
    return spread


def _concluded(problem: InverseProblem, point: Point, bias: float, status: Status, steps: int) -> Inference:
    count, unknowns = len(point.differences), problem.unknowns
    return Inference(
        coefficients=point.coefficients,
        unknown=unknowns.names,
        covariance=problem.covariance(point),
        deviation=None if problem.noise_known else problem.noise(point),
        degrees=count - len(unknowns),
        misfit=(point.cost / count) ** 0.5,
        bias=bias,
        held=tuple(unknowns.held(point.coefficients)),
        kind="reduced basis" if isinstance(point.solution, Answer) else "calibrated",
        status=status,
        steps=steps,
        solution=point.solution,
    )
