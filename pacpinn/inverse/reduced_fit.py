"""Coefficients fitted to measurements of the solution, the equation solved in the members' span."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.equation import Equation
from pacpinn.errors import PacpinnError
from pacpinn.reduced_basis.gauss_newton import Minimum, gauss_newton
from pacpinn.reduced_basis.pod import with_mean
from pacpinn.reduced_basis.reduced_model import ReducedModel
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import ParameterSpace

_ACCURACY = 1e-5  # of a range: length of the step at which the search ends
_TRIALS = 49  # coefficients among which the start is chosen, about
_SHIFT = 1e-3  # of a range: the step of central differences


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


def identify(
    model: ReducedModel, x: np.ndarray, values: np.ndarray, deviation: float, unknown: Sequence[str]
) -> Estimate:
    """Fit coefficients to measurements `values` ``(rows, outputs)`` of the solution at points `x` ``(rows, inputs)``.

    The coordinates in the span are those that solve the equation at the coefficients (variable projection: Golub &
    Pereyra 1973), so that the equation is not weighed against the measurements. Values are NaN where an output was not
    measured. Coefficients other than the unknown ones are those of the best member.

    Raises:
        PacpinnError: for arrays of the wrong shape or without a number, a deviation of zero or less, names that do not
            vary over the members.
    """
    _require_measurements(model.equation, x, values, deviation)
    _require_varying(model, unknown)
    fit = ReducedFit(model, x, values, deviation, unknown)
    c, minimum = fit.minimise()
    (differences,), (slopes,) = minimum.residuals, minimum.jacobian
    deviations, curvature = np.full(len(unknown), math.inf), slopes.T @ slopes
    if int(torch.linalg.matrix_rank(curvature)) == len(curvature):
        deviations = np.array(torch.linalg.inv(curvature).diagonal().sqrt().tolist())
    deviations = deviations * fit.slopes(c)
    return Estimate(c, dict(zip(unknown, deviations.tolist(), strict=True)), float(differences.square().mean().sqrt()))


def _require_measurements(equation: Equation, x: np.ndarray, values: np.ndarray, deviation: float) -> None:
    inputs, outputs = len(equation.inputs), len(equation.outputs)
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


def _require_varying(model: ReducedModel, unknown: Sequence[str]) -> None:
    varying = [name for name, (low, high) in model.ends.items() if low < high]
    if not unknown or not set(unknown) <= set(varying):
        raise PacpinnError(
            f"{', '.join(unknown) or 'nothing'} cannot be found; the coefficients that vary over the members are: "
            + ", ".join(varying)
        )


class ReducedFit:
    """Differences to measurements, in standard deviations, as a function of the unknowns' normalised places.

    The arguments are those of :func:`identify`, not checked. The deviation may have any shape that broadcasts to that
    of `values`. Coefficients other than the unknown ones are those of `base`, by default of the best member.
    """

    def __init__(
        self,
        model: ReducedModel,
        x: np.ndarray,
        values: np.ndarray,
        deviation: Any,
        unknown: Sequence[str],
        base: Coefficients | None = None,
    ) -> None:
        self._snapshots, self._solver = model.snapshots, model.solver
        self._space = ParameterSpace({name: model.equation.coefficients[name] for name in unknown})
        ends = [Coefficients(**{name: model.ends[name][i] for name in unknown}) for i in (0, 1)]
        self._low, self._high = self._space.places(ends)
        self._x = model.snapshots.training.x.new_tensor(x)
        self._values = self._x.new_tensor(values)
        self._known = ~self._values.isnan()
        self._deviation = self._x.new_tensor(np.broadcast_to(deviation, np.shape(values)))[self._known]
        self._basis = model.snapshots.outputs(self._x) @ model.basis.modes
        members = [each.coefficients for each in model.members]
        self._base = base or members[self._best(members, model.solver.of_members)]

    def minimise(self, start: Coefficients | None = None) -> tuple[Coefficients, Minimum]:
        """Coefficients of least squares, and the minimum in normalised places, by default from the best grid point."""
        places = self._start() if start is None else self._space.places([start])[0]
        with untouched():
            minimum = gauss_newton(self._linearise, self._x.new_tensor(places)[None], _ACCURACY)
        (c,) = self._at(self._held(minimum.unknowns))
        return c, minimum

    def slopes(self, c: Coefficients) -> np.ndarray:
        """How fast the unknowns change with their places, ``(unknowns,)``."""
        (places,) = self._space.places([c])
        shifts = _SHIFT * np.eye(len(places))
        pairs = zip(self._space.within, self._at(places + shifts), self._at(places - shifts), strict=True)
        return np.array([(above[name] - below[name]) / (2 * _SHIFT) for name, above, below in pairs])

    def _start(self) -> np.ndarray:
        """Places ``(unknowns,)`` of a grid over the range whose interpolated coordinates fit the measurements best."""
        count = round(_TRIALS ** (1 / len(self._low)))
        axes = [np.linspace(*ends, count) for ends in zip(self._low, self._high, strict=True)]
        places = np.array(list(itertools.product(*axes)))
        trials = self._at(places)
        return places[self._best(trials, self._solver.start(trials))]

    def _linearise(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Differences ``(1, m)`` and their Jacobian ``(1, m, unknowns)`` at places ``(1, unknowns)``."""
        centre = self._held(places)
        shifts = _SHIFT * np.eye(len(self._low))
        cs = self._at(np.concatenate([centre, centre + shifts, centre - shifts]))
        b = self._solver.coordinates(cs)
        found = torch.stack([self._misfit(c, own) for c, own in zip(cs, b, strict=True)]) / self._deviation
        above, below = found[1:].chunk(2)
        return found[:1], ((above - below) / (2 * _SHIFT)).T[None]

    def _misfit(self, c: Coefficients, b: Tensor) -> Tensor:
        """The solution at coordinates `b` ``(modes,)`` less the measurements ``(m,)``."""
        outputs = self._basis @ with_mean(b[None])[0]
        return (self._snapshots.solution(c, outputs, self._x) - self._values)[self._known]

    def _best(self, cs: Sequence[Coefficients], b: Tensor) -> int:
        """The index of the coefficients that, with their coordinates `b` ``(k, modes)``, fit the measurements best."""
        misfits = [float((self._misfit(c, own) / self._deviation).norm()) for c, own in zip(cs, b, strict=True)]
        return int(np.argmin(misfits))

    def _held(self, places: Tensor) -> np.ndarray:
        return np.clip(places.numpy(force=True), self._low, self._high)

    def _at(self, places: np.ndarray) -> list[Coefficients]:
        return self._space.extrapolated(places, self._base)
