"""Which coefficients fit some measurements: coordinates in the span and coefficients, solved for together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pacpinn.backend import deepxde_defaults
from pacpinn.coefficient import Coefficient, Coefficients
from pacpinn.equation_residuals import solution
from pacpinn.errors import PacpinnError
from pacpinn.isolation import untouched
from pacpinn.reduced.gauss_newton import gauss_newton
from pacpinn.reduced.online import Online, given
from pacpinn.reduced.span import with_mean
from pacpinn.reduced.tabulated import Tabulated

_ACCURACY = 1e-6  # of a step: with noise in the measurements convergence is linear only
_NEARBY = 1e-4  # of a coefficient's range: the step of central differences


@dataclass(frozen=True)
class Estimate:
    """Coefficients that fit measurements.

    Attributes:
        coefficients: the most likely ones.
        deviations: standard deviation of each unknown, by the curvature at the minimum.
        misfit: root mean square of the differences, in standard deviations of the measurements: about 1 if it fits.
    """

    coefficients: Coefficients
    deviations: Mapping[str, float]
    misfit: float


def identify(
    online: Online, x: np.ndarray, values: np.ndarray, deviation: float, unknown: Sequence[str], tolerance: float
) -> Estimate:
    """Fit coefficients to measurements of the solution.

    Args:
        online: the family reduced to the span of its members.
        x: where it was measured, ``(rows, inputs)``.
        values: what was measured, ``(rows, outputs)``; NaN where an output was not.
        deviation: standard deviation of the measurements.
        unknown: names of the coefficients to be found; the others are those of the best member.
        tolerance: how large the equation's residual may be, against which its rows are weighed.

    Raises:
        PacpinnError: for arrays of the wrong shape or without a number, a deviation of zero or less, names that do not
            vary over the members.
    """
    _require_sound(online, x, values, deviation, unknown)
    fit = _Fit(online, x, values, deviation, unknown, tolerance)
    with untouched():
        found = gauss_newton(lambda now: fit.linearise(now[0]), fit.start()[None], _ACCURACY).unknowns[0]
        residuals, jacobian = (each[0] for each in fit.linearise(found))
    places = len(unknown)
    covariance = torch.linalg.pinv(jacobian.T @ jacobian)[-places:, -places:]
    c = fit.coefficients(found)
    slopes = {each.name: _slope(each, each.position(c[each.name])) for each in fit.unknown}
    deviations = {name: float(covariance[i, i].clamp(min=0).sqrt()) * slopes[name] for i, name in enumerate(unknown)}
    return Estimate(c, deviations, float(residuals[: fit.count].square().mean().sqrt()))


def _require_sound(online: Online, x: np.ndarray, values: np.ndarray, deviation: float, unknown: Sequence[str]) -> None:
    inputs, outputs = len(online.equation.inputs), len(online.equation.outputs)
    if x.ndim != 2 or values.ndim != 2 or x.shape != (len(values), inputs) or values.shape[1] != outputs:
        raise PacpinnError(
            f"measurements of shape {values.shape} at points of shape {x.shape}; expected (rows, {outputs}) at "
            f"(rows, {inputs})"
        )
    if not np.isfinite(values).any():
        raise PacpinnError(
            "no measurement is a number; expected one at least, and NaN where an output was not measured"
        )
    if not 0 < deviation < math.inf:
        raise PacpinnError(f"deviation={deviation}; expected the measurements' standard deviation, above 0")
    varying = [name for name, (low, high) in online.ends.items() if low < high]
    if not unknown or not set(unknown) <= set(varying):
        raise PacpinnError(
            f"{', '.join(unknown) or 'nothing'} cannot be found; the coefficients that vary over the members are: "
            + ", ".join(varying)
        )


class _Fit:
    """Residuals of measurements and equation, by coordinates and the unknowns' places in their range."""

    def __init__(
        self,
        online: Online,
        x: np.ndarray,
        values: np.ndarray,
        deviation: float,
        unknown: Sequence[str],
        tolerance: float,
    ) -> None:
        self.online, self.deviation, self.tolerance = online, deviation, tolerance
        self.unknown = [online.equation.coefficients[name] for name in unknown]
        self._x = online.snapshots.training.x.new_tensor(x)
        self._values = self._x.new_tensor(values)
        self._known = ~self._values.isnan()
        self.count = int(self._known.sum())
        functions = [Tabulated.of(each.function, self._x) for each in online.members]
        with deepxde_defaults(self._x.dtype, self._x.device):
            self._table = Tabulated.joined(functions).values @ online.span.mixing

    def start(self) -> Tensor:
        """The member that fits the measurements best."""
        members = self.online.members
        misfits = [
            self._measured(each.coefficients, b[None])[0].norm()
            for each, b in zip(members, self.online.span.coordinates, strict=True)
        ]
        best = int(torch.stack(misfits).argmin())
        self._base = members[best].coefficients
        places = [each.position(self._base[each.name]) for each in self.unknown]
        return torch.cat([self.online.span.coordinates[best], self._x.new_tensor(places)])

    def coefficients(self, now: Tensor) -> Coefficients:
        """Those at some unknowns ``(modes + coefficients,)``, held within the range of the members."""
        return self._at(self._places(now))

    def _places(self, now: Tensor) -> np.ndarray:
        ends = [self.online.ends[each.name] for each in self.unknown]
        low, high = ([each.position(end[k]) for each, end in zip(self.unknown, ends, strict=True)] for k in (0, 1))
        return np.clip(now[-len(self.unknown) :].numpy(force=True), low, high)

    def _at(self, places: np.ndarray) -> Coefficients:
        found = {each.name: each.value_at(float(place)) for each, place in zip(self.unknown, places, strict=True)}
        return Coefficients(**{**self._base, **found})

    def linearise(self, now: Tensor) -> tuple[Tensor, Tensor]:
        """Residuals ``(1, m)`` and Jacobian ``(1, m, modes + coefficients)``, measurements first."""
        b, places = now[None, : -len(self.unknown)], self._places(now)
        shifts = _NEARBY * np.eye(len(places))
        here, *nearby = map(self._at, [places, *(places + shifts), *(places - shifts)])
        equation = self.online.few.linearise([here], b)
        around = self.online.few.residuals(nearby, b.expand(len(nearby), -1))
        measured, by_b = self._measured(here, b)
        measured_around = torch.stack([self._measured(c, b)[0] for c in nearby])
        by_place = [_central(each) for each in (measured_around, around)]
        residuals = torch.cat([measured / self.deviation, equation.residuals[0] / self.tolerance])
        jacobian = torch.cat(
            [
                torch.cat([by_b, by_place[0]], dim=1) / self.deviation,
                torch.cat([equation.jacobian[0], by_place[1]], dim=1) / self.tolerance,
            ]
        )
        return residuals[None], jacobian[None]

    def _measured(self, c: Coefficients, b: Tensor) -> tuple[Tensor, Tensor]:
        """Solution less measurements ``(m,)``, and its derivative by the coordinates ``(m, modes)``."""
        outputs = (self._table @ with_mean(b)[0]).requires_grad_()
        with torch.enable_grad(), deepxde_defaults(self._x.dtype, self._x.device):
            found = solution(self.online.equation, c, given(outputs), self._x)
            slopes = [torch.autograd.grad(column.sum(), outputs, retain_graph=True)[0] for column in found.unbind(1)]
        by_b = torch.einsum("rop,rpm->rom", torch.stack(slopes, dim=1), self._table[..., 1:])
        return (found.detach() - self._values)[self._known], by_b[self._known]


def _central(around: Tensor) -> Tensor:
    """Derivatives ``(m, n)`` from values ``(2 n, m)`` ahead and behind."""
    ahead, behind = around.chunk(2)
    return ((ahead - behind) / (2 * _NEARBY)).T


def _slope(coefficient: Coefficient, place: float) -> float:
    """How fast a coefficient changes with its place in its range."""
    ahead, behind = (coefficient.value_at(place + step) for step in (_NEARBY, -_NEARBY))
    return (ahead - behind) / (2 * _NEARBY)
