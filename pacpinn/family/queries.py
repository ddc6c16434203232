"""Queries to a solved family: its solution anywhere in its range, and coefficients from measurements."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

import numpy as np

from pacpinn.equations.equation import Equation, require_equation
from pacpinn.equations.measurements import Measurements, Operator
from pacpinn.errors import NotAccurate, PacpinnError
from pacpinn.family.members import Members
from pacpinn.family.targets import CoefficientValues
from pacpinn.inverse.inference import Inference, infer_coefficients
from pacpinn.inverse.inverse_problem import InverseProblem, Unknowns
from pacpinn.inverse.recalibration import Recalibration
from pacpinn.inverse.reduced_fit import Estimate, identify
from pacpinn.networks.error_estimate import ErrorEstimate, error_estimate
from pacpinn.reduced_basis.reduced_model import Answer, ReducedModel, reduced
from pacpinn.reduced_basis.snapshots import spanning
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range

log = logging.getLogger(__name__)

Doubt = Literal["raise", "warn"]


class FamilyQueries(Members):
    """A family's members, and the answers that follow from them at any other coefficients.

    Every query but :meth:`predict` needs an equation, and raises a :class:`PacpinnError` for other problems.
    """

    _model: ReducedModel | None = None  # made at the first query, and again after a new member

    def at(self, *, tolerance: float | None = None, doubtful: Doubt = "raise", **values: Any) -> Any:
        """The solution at any coefficients within the members' range: a member, or solved in the span of all members.

        Args:
            tolerance: largest estimated error of an answer, relative to the solution; by default what the family was
                refined to, or else the tolerance of its members.
            doubtful: what happens where that is exceeded, or outside the range: ``"raise"`` or ``"warn"``.
            values: coefficients; those not named are the source's. Numbers, or arrays for many coefficients at once.

        Returns:
            An :class:`Answer`; a list of them for arrays.

        Raises:
            NotAccurate: as `doubtful` says.
            PacpinnError: for problems that are no equations, and families with fewer than two members.

        Example:
            >>> family.at(nu=0.0137).error_estimate
            >>> [each.predict(x) for each in family.at(nu=np.linspace(0.01, 0.05, 1000))]
        """
        cs, several = self.problem.broadcast(values, self.source.coefficients)
        model = self.reduced_model
        answers = model.answer(cs)
        require_trust(answers, model.ends, tolerance or self._trusted, doubtful)
        return answers if several else answers[0]

    def predict(
        self, x: Any, *, tolerance: float | None = None, doubtful: Doubt = "raise", **values: Any
    ) -> np.ndarray:
        """The solution at points `x` ``(rows, inputs)``: an array ``(rows, outputs)``.

        Coefficients not named are the source's. If they are not those of a member (to a relative 1e-9), an equation is
        solved in the members' span, as by :meth:`at`. Arrays of coefficients give ``(coefficients, rows, outputs)``.

        Raises:
            NotSolved: if these coefficients are not solved, and there is no reduced model; names the nearest member.
            NotAccurate: as for :meth:`at`.
            CoefficientError: if a coefficient is unknown or outside its range.
        """
        cs, several = self.problem.broadcast(values, self.source.coefficients)
        points = self._points(x)
        if not self._spans or (not several and cs[0] in self):
            found = np.stack([self._by_member(c, points) for c in cs])
        else:
            answers = self.at(tolerance=tolerance, doubtful=doubtful, **values)
            found = self.reduced_model.predict(answers if several else [answers], points)
        return found if several else found[0]

    def _by_member(self, c: Coefficients, points: np.ndarray) -> np.ndarray:
        member = self[c]
        forward = self.bases[member.base].masked.forward(member.z)
        return self.task(**member.coefficients).predict(forward, points)

    def _points(self, x: Any) -> np.ndarray:
        points, inputs = np.asarray(x), len(self.problem.inputs)
        if inputs and (points.ndim != 2 or points.shape[1] != inputs):
            raise PacpinnError(
                f"points of shape {points.shape}; expected (rows, {inputs}) with columns "
                f"{', '.join(self.problem.inputs)}"
            )
        return points

    @property
    def reduced_model(self) -> ReducedModel:
        """The equation reduced to the span of its solved members, of which it needs two; made at the first query."""
        if self._model is None:
            within = self.refinement.within if self.refinement else None
            self._model = reduced(self.problem, self._solutions.values(), self.bases, self.settings, within)
        return self._model

    @property
    def online(self) -> ReducedModel:
        """The name of :attr:`reduced_model` in version 0.1."""
        warnings.warn("family.online is now family.reduced_model", DeprecationWarning, stacklevel=2)
        return self.reduced_model

    def sensitivity(self, x: Any, **values: Any) -> np.ndarray:
        """The derivative du/dc of the solution at points `x` by each coefficient that varies over the family.

        At a member by the tangent of its calibration, between members by the tangent of the reduced solution.

        Args:
            x: points ``(rows, inputs)`` of the domain.
            values: coefficients, as for :meth:`predict`.

        Returns:
            An array ``(rows, outputs, names)``, in units of output over coefficient. The last axis is in the order of
            :attr:`varying`; if no coefficient varies, as in a family of the source alone, of all coefficients.
        """
        equation, names = require_equation(self.problem), self.varying or list(self.problem.coefficients)
        c = equation.at(values, base=self.source.coefficients)
        if self._spans and c not in self:
            return self.reduced_model.sensitivity(c, self._points(x), names)
        return self.calibrated(**c).sensitivity(self._points(x), names)

    def error_estimate(self, **values: Any) -> ErrorEstimate:
        """The estimated error of a member of an equation: relative, with its bound, and at points (``.at(x)``).

        By the linearised error equation, on points that no solve used, and without the reference. Between members this
        raises :class:`NotSolved`, but :meth:`at` gives an estimate with each answer.
        """
        member = self[values]
        found = error_estimate(self.task(**values), self.bases[member.base].masked, member.z)
        if found is None:
            raise PacpinnError(f"{self.problem.name} is no equation: its errors are those on test data, in the table")
        return found

    def identify(self, x: Any, values: Any, deviation: float, unknown: Sequence[str] | None = None) -> Estimate:
        """Coefficients that fit measurements of the solution best, by the reduced model.

        Args:
            x: points of the measurements, ``(rows, inputs)``.
            values: measured values, ``(rows, outputs)``; NaN for an output that was not measured.
            deviation: standard deviation of the measurements' noise.
            unknown: names of the coefficients to find; by default those that vary over the family.

        Raises:
            PacpinnError: for arrays of the wrong shape, a deviation of zero or less, and unknown names.
        """
        names = list(unknown or self.varying)
        return identify(self.reduced_model, np.asarray(x), np.asarray(values), deviation, names)

    def infer(
        self,
        points: Any,
        values: Any,
        unknown: Sequence[str] | str | None = None,
        deviation: Any = None,
        start: CoefficientValues | None = None,
        of: str | Operator | None = None,
        **known: float,
    ) -> Inference:
        """Coefficients that fit measurements best, with standard errors, under the constraint that the equation holds.

        The first fit is by the reduced model, as in :meth:`identify`. It is returned if the reduced model's own error
        cannot matter; otherwise the equation is calibrated again at every step of the search.

        Args:
            points, values, deviation, of: as of :class:`Measurements`; a deviation that is not given is estimated.
            unknown: names of the coefficients to find; by default those that vary over the family.
            start: where to begin, as ``{"nu": 0.02}``; by default where the reduced model fits best.
            known: values of other coefficients; those not named are the source's.

        Raises:
            MeasurementError: for measurements of the wrong shape, outside the domain, not finite or too few.
            CoefficientError: for unknown names, and values outside their range.
            NotIdentifiable: if the measurements do not determine the unknowns; names the direction.

        Example:
            >>> found = family.infer(x, u, unknown=["nu"])
            >>> found.estimates, found.standard_errors, found.interval(0.95)
        """
        equation = require_equation(self.problem)
        names = [unknown] if isinstance(unknown, str) else list(self.varying if unknown is None else unknown)
        unknowns = Unknowns(equation, names)
        base = equation.at(known, base=self.source.coefficients)
        begin = None if start is None else equation.at(start, base=base)
        measurements = Measurements(points, values, deviation, of)
        measurements.require_fit(equation.name, equation.inputs, equation.outputs, equation.geometry(base))
        search, model = Recalibration(equation, self, self.bases, self.settings), None
        with suppress(PacpinnError):  # its domain may change with its coefficients
            model = self.reduced_model if self._spans else None
        return infer_coefficients(search, model, InverseProblem(measurements, unknowns, base, begin))

    @property
    def _spans(self) -> bool:
        """Whether the members span a reduced basis: an equation with pointwise residuals and two solved members."""
        combined = isinstance(self.problem, Equation) and self.problem.pointwise
        return combined and len(spanning(self._solutions.values())) > 1

    @property
    def _trusted(self) -> float:
        """The default for the largest estimated error of an answer."""
        if self.refinement is not None:
            return self.refinement.tolerance
        return self.source.tolerance or math.inf


def require_trust(answers: Sequence[Answer], ends: Range, tolerance: float, doubtful: Doubt) -> None:
    """Raise or warn, as the caller chooses, if an answer lies outside the range or its error may be too large.

    Answers that are members of the family were solved to their own tolerance, and are not judged by this one.
    """
    outside = [each for each in answers if _outside(each.coefficients, ends)]
    poor = [each for each in answers if each.kind != "calibrated" and not each.error_estimate <= tolerance]
    if outside:
        first = outside[0]
        name, low, high = _outside(first.coefficients, ends)[0]
        reason = f"{first.coefficients} lies outside the range {name}={low:g} to {high:g}; the error there is"
        message = _advice(first, len(outside), f"{reason} estimated as {first.error_estimate:.1e}")
    elif poor:
        worst = max(poor, key=lambda each: each.error_estimate)
        reason = f"the error at {worst.coefficients} is estimated as {worst.error_estimate:.1e}"
        message = _advice(worst, len(poor), f"{reason}, above the tolerance {tolerance:g}")
    else:
        return
    if doubtful == "raise":
        raise NotAccurate(message)
    log.warning("%s", message)


def _advice(answer: Answer, count: int, reason: str) -> str:
    more = f" (and {count - 1} more)" if count > 1 else ""
    return (
        f"{reason}{more}; family.extend([{dict(answer.coefficients)}]) solves it, doubtful='warn' (--anyway on the "
        "command line) answers all the same"
    )


def _outside(c: Coefficients, ends: Range) -> list[tuple[str, float, float]]:
    """The ranges, with their names, outside which the coefficients lie by more than rounding."""
    return [
        (name, low, high)
        for name, (low, high) in ends.items()
        if not low <= c[name] <= high and not np.isclose(c[name], (low, high), rtol=1e-9, atol=0).any()
    ]
