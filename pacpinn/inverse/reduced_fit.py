"""Which coefficients fit some measurements: those whose solution in the span does."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.residuals import solution
from pacpinn.errors import PacpinnError
from pacpinn.reduced_basis.derivative_tables import DerivativeTable
from pacpinn.reduced_basis.gauss_newton import ITERATIONS, gauss_newton
from pacpinn.reduced_basis.pod import with_mean
from pacpinn.reduced_basis.reduced_model import ReducedModel, given
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficient, Coefficients

_ACCURACY = 1e-5  # of a range: a step so short ends the search
_TRIALS = 49  # coefficients among which the search starts
_NEARBY = 1e-3  # of a range: the step of central differences


@dataclass(frozen=True)
class Estimate:
    """Coefficients that fit measurements.

    Attributes:
        coefficients: the most likely ones.
        deviations: standard deviation of each unknown, by the curvature at the minimum; infinite if the measurements
            do not determine the unknowns.
        misfit: root mean square of the differences, in standard deviations of the measurements: about 1 if it fits.
    """

    coefficients: Coefficients
    deviations: Mapping[str, float]
    misfit: float


@dataclass(frozen=True, eq=False)
class ReducedFit:
    """A fit in the span.

    Attributes:
        coefficients: where the squares are least.
        differences: to the measurements, in standard deviations, ``(m,)``.
        slopes: of the differences by the unknowns' places in their range, ``(m, unknowns)``.
        steps: how many Jacobians it took.
        converged: whether further steps would change nothing.
    """

    coefficients: Coefficients
    differences: Tensor
    slopes: Tensor
    steps: int
    converged: bool


def fit_in_span(
    model: ReducedModel,
    x: np.ndarray,
    values: np.ndarray,
    deviation: Any,
    unknown: Sequence[str],
    base: Coefficients | None = None,
    start: Coefficients | None = None,
) -> ReducedFit:
    """Fit coefficients as :func:`identify` does, of arguments that are known to be sound.

    Args:
        base: what the coefficients that are known are; by default those of the best member.
        start: where to begin; by default where, of a grid over the members' range, the misfit is least.
    """
    fit = _Fit(model, x, values, deviation, unknown, base)
    begin = fit.start() if start is None else fit.places(start)
    with untouched():
        minimum = gauss_newton(lambda places: fit.linearise(places[0]), begin[None], _ACCURACY)
    ended = minimum.iterations < ITERATIONS
    return ReducedFit(
        fit.coefficients(minimum.unknowns[0]), minimum.residuals[0], minimum.jacobian[0], minimum.iterations, ended
    )


def identify(
    model: ReducedModel, x: np.ndarray, values: np.ndarray, deviation: float, unknown: Sequence[str]
) -> Estimate:
    """Fit coefficients to measurements of the solution.

    Coordinates in the span are those that solve the equation at each coefficient (variable projection: Golub & Pereyra
    1973), so that the equation is not weighed against the measurements.

    Args:
        online: the family reduced to the span of its members.
        x: where it was measured, ``(rows, inputs)``.
        values: what was measured, ``(rows, outputs)``; NaN where an output was not.
        deviation: standard deviation of the measurements.
        unknown: names of the coefficients to be found; the others are those of the best member.

    Raises:
        PacpinnError: for arrays of the wrong shape or without a number, a deviation of zero or less, names that do not
            vary over the members.
    """
    _require_sound(model, x, values, deviation, unknown)
    found = fit_in_span(model, x, values, deviation, unknown)
    c, coefficients = found.coefficients, [model.equation.coefficients[name] for name in unknown]
    spread = _spread(found.slopes.T @ found.slopes)
    slopes = [_slope(each, each.position(c[each.name])) for each in coefficients]
    deviations = {name: each * slope for name, each, slope in zip(unknown, spread, slopes, strict=True)}
    return Estimate(c, deviations, float(found.differences.square().mean().sqrt()))


def _require_sound(
    model: ReducedModel, x: np.ndarray, values: np.ndarray, deviation: float, unknown: Sequence[str]
) -> None:
    inputs, outputs = len(model.equation.inputs), len(model.equation.outputs)
    if x.ndim != 2 or values.ndim != 2 or x.shape != (len(values), inputs) or values.shape[1] != outputs:
        raise PacpinnError(
            f"measurements of shape {values.shape} at points of shape {x.shape}; expected (rows, {outputs}) at "
            f"(rows, {inputs})"
        )
    if not np.isfinite(x).all():
        raise PacpinnError("a point of the measurements is not finite; expected numbers")
    if np.isinf(values).any() or np.isnan(values).all():
        raise PacpinnError(
            "measurements are infinite, or none is a number; expected numbers, and NaN where an output was not measured"
        )
    if not 0 < deviation < math.inf:
        raise PacpinnError(f"deviation={deviation}; expected the measurements' standard deviation, above 0")
    varying = [name for name, (low, high) in model.ends.items() if low < high]
    if not unknown or not set(unknown) <= set(varying):
        raise PacpinnError(
            f"{', '.join(unknown) or 'nothing'} cannot be found; the coefficients that vary over the members are: "
            + ", ".join(varying)
        )


def _spread(curvature: Tensor) -> list[float]:
    """Standard deviations of unknowns from the second derivatives of half the squares ``(n, n)``."""
    if int(torch.linalg.matrix_rank(curvature)) < len(curvature):
        return [math.inf] * len(curvature)
    return torch.linalg.inv(curvature).diagonal().sqrt().tolist()


class _Fit:
    """Differences to the measurements, in standard deviations, as a function of the unknowns' places in their range."""

    def __init__(
        self,
        model: ReducedModel,
        x: np.ndarray,
        values: np.ndarray,
        deviation: Any,
        unknown: Sequence[str],
        base: Coefficients | None,
    ) -> None:
        self.reduced_model = model
        self.unknown = [model.equation.coefficients[name] for name in unknown]
        self._x = model.snapshots.training.x.new_tensor(x)
        self._values = self._x.new_tensor(values)
        self._known = ~self._values.isnan()
        self._deviation = self._x.new_tensor(np.broadcast_to(deviation, np.shape(values)))[self._known]
        functions = [DerivativeTable.of(each.function, self._x) for each in model.members]
        with deepxde_defaults(self._x.dtype, self._x.device):
            self._table = DerivativeTable.joined(functions).values @ model.span.mixing
        self._base = base or self._best([each.coefficients for each in model.members], model.span.coordinates)[0]

    def start(self) -> Tensor:
        """Places ``(unknowns,)`` on a grid whose interpolated coordinates fit the measurements best."""
        axes = [np.linspace(*ends, round(_TRIALS ** (1 / len(self.unknown)))) for ends in self._ends()]
        places = np.array(list(itertools.product(*axes)))
        trials = [self._at(each) for each in places]
        return self._x.new_tensor(places[self._best(trials, self.reduced_model.start(trials))[1]])

    def places(self, c: Coefficients) -> Tensor:
        """Places ``(unknowns,)`` of some coefficients."""
        return self._x.new_tensor([each.position(c[each.name]) for each in self.unknown])

    def coefficients(self, places: Tensor) -> Coefficients:
        """Those at some `places` ``(unknowns,)``, held within the range of the members."""
        return self._at(self._held(places))

    def linearise(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Differences ``(1, m)`` and their Jacobian ``(1, m, unknowns)``, by central differences."""
        here = self._held(places)
        shifts = _NEARBY * np.eye(len(here))
        cs = [self._at(each) for each in [here, *(here + shifts), *(here - shifts)]]
        b = self.reduced_model.coordinates(cs)
        found = torch.stack([self._misfit(c, own) for c, own in zip(cs, b, strict=True)]) / self._deviation
        ahead, behind = found[1:].chunk(2)
        return found[:1], ((ahead - behind) / (2 * _NEARBY)).T[None]

    def _misfit(self, c: Coefficients, b: Tensor) -> Tensor:
        """Solution at coordinates `b` ``(modes,)`` less measurements ``(m,)``."""
        outputs = self._table @ with_mean(b[None])[0]
        with torch.no_grad(), deepxde_defaults(self._x.dtype, self._x.device):
            return (solution(self.reduced_model.equation, c, given(outputs), self._x) - self._values)[self._known]

    def _best(self, cs: Sequence[Coefficients], b: Tensor) -> tuple[Coefficients, int]:
        """Which of some coefficients with their coordinates ``(k, modes)`` fit the measurements best."""
        misfits = [float((self._misfit(c, own) / self._deviation).norm()) for c, own in zip(cs, b, strict=True)]
        best = int(np.argmin(misfits))
        return cs[best], best

    def _ends(self) -> list[tuple[float, float]]:
        """Where the unknowns' ranges begin and end, as places."""
        ends = [self.reduced_model.ends[each.name] for each in self.unknown]
        return [(each.position(low), each.position(high)) for each, (low, high) in zip(self.unknown, ends, strict=True)]

    def _held(self, places: Tensor) -> np.ndarray:
        low, high = np.transpose(self._ends())
        return np.clip(places.numpy(force=True), low, high)

    def _at(self, places: np.ndarray) -> Coefficients:
        found = {each.name: each.value_at(float(place)) for each, place in zip(self.unknown, places, strict=True)}
        return Coefficients(**{**self._base, **found})


def _slope(coefficient: Coefficient, place: float) -> float:
    """How fast a coefficient changes with its place in its range."""
    ahead, behind = (coefficient.value_at(place + step) for step in (_NEARBY, -_NEARBY))
    return (ahead - behind) / (2 * _NEARBY)
