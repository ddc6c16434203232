"""Initial-value problems in one input: their solution, crudely, by SciPy, which tells how large the outputs are.

Such a system is affine in the highest derivative v of each output: its residuals are ``R = M v - f``, where M and f
depend on the time and on lower derivatives. The residuals of polynomials with given derivatives at a time are found by
the functions that users state; with v zero, and with one of its entries not, they give f and M, and so v. The first
derivatives come from the conditions, or from a transform that makes these exact. SciPy does the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import factorial
from typing import Any

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from pacpinn.equations.collocation import Collocation
from pacpinn.equations.residuals import Residuals
from pacpinn.equations.size_balance import root_mean_square
from pacpinn.runtime.deepxde_backend import dde

_HIGHEST = 3  # order of a derivative
_STATES = 5  # random ones, at which orders are found
_TIMES = 129  # of a trajectory
_METHODS = (("RK45", 1500), ("Radau", 4000))  # and evaluations at most, for what is not stiff and for what is
_RELATIVE, _ABSOLUTE = 1e-4, 1e-8  # tolerances, the second in units of the sizes that are presumed
_SAME = 1e-6  # relative: a difference that is none
_ROUNDING = 1e-9  # of an interval


class _NoTrajectory(Exception):
    """The equation is no initial-value problem, or has no solution that SciPy finds with little work."""


class _TooMuchWork(Exception):
    """More evaluations than sizes are worth."""


@dataclass(frozen=True)
class InitialValueProblem:
    """An equation at fixed coefficients, on a batch of points with its conditions.

    Args:
        residuals: its formulas, in its own units.
        batch: its conditions and their points.
        low, high: the ends of its input.
        size: of each output ``(outputs,)``, presumed.
    """

    residuals: Residuals
    batch: Collocation
    low: float
    high: float
    size: np.ndarray

    def spread(self, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Two root mean squares of each output ``(outputs,)``: of the network's less its `offset`, and about the mean.

        The first, with a transform, is the size of constant outputs that change the solution as much. The second is
        the solution's. None if the equation is no initial-value problem, or SciPy finds no solution with little work.
        """
        try:
            with np.errstate(all="ignore"):
                t, u = self._integrated(self._first_state())
                nothing, slopes = self._transform(t)
        except (_NoTrajectory, np.linalg.LinAlgError, RuntimeError):  # RuntimeError: not differentiable by torch
            return None
        left = u - nothing - slopes * offset
        size = root_mean_square(left, axis=0) / root_mean_square(slopes, axis=0)
        return size, root_mean_square(u - u.mean(axis=0), axis=0)

    # Polynomials with derivatives a (rows, outputs, orders) at times t (rows, 1) --------------------------------------

    @property
    def _width(self) -> float:
        return self.high - self.low

    def _units(self, orders: int) -> np.ndarray:
        """What the derivatives of these orders are divided by, ``(outputs, orders)``."""
        return self.size[:, None] / self._width ** np.arange(orders)

    def _residuals_at(self, t: Tensor, a: Tensor) -> Tensor:
        """Residuals ``(rows, residuals)`` of the polynomials with derivatives `a` at times `t`."""
        x = t.detach().requires_grad_()
        dde.grad.clear()  # it would keep the derivatives of thousands of evaluations
        try:
            found = self.residuals.equation.residual(x, _polynomial(x, a), self.residuals.c)
            columns: list[Any] = list(found) if isinstance(found, list | tuple) else [found]
            return torch.cat(columns, dim=1)
        except Exception as fault:  # a user's function may take no other points, or fail far from the solution
            raise _NoTrajectory from fault

    @cached_property
    def _orders(self) -> list[int]:
        """The highest derivative of each output in the residuals."""
        outputs = len(self.size)
        units = torch.as_tensor(self._units(_HIGHEST + 2))
        random = np.random.default_rng(0)
        t = torch.as_tensor(random.uniform(self.low, self.high, (_STATES, 1)))
        a = (units * torch.as_tensor(random.normal(size=(_STATES, outputs, _HIGHEST + 2)))).requires_grad_()
        columns = self._residuals_at(t, a).T
        if len(columns) != outputs or not columns.requires_grad:
            raise _NoTrajectory
        slopes = [torch.autograd.grad(column.sum(), a, retain_graph=True)[0] for column in columns]
        depends = (torch.stack(slopes) != 0).any(dim=0).any(dim=0)  # (outputs, orders)
        orders = [int(each.nonzero().max()) if each.any() else 0 for each in depends]
        if not all(0 < each <= _HIGHEST for each in orders):
            raise _NoTrajectory
        return orders

    @cached_property
    def _state(self) -> np.ndarray:
        """Which derivatives ``(outputs, orders)`` make up the state: those below the highest of each output."""
        return np.array([[j < n for j in range(max(self._orders))] for n in self._orders])

    # The first state --------------------------------------------------------------------------------------------------

    def _first_state(self) -> np.ndarray:
        """Derivatives ``(outputs, orders)`` of all orders below the highest at the start; others are zero."""
        a = np.where(self._state, self._by_transform(max(self._orders)), 0.0)
        unknown = np.isnan(a)
        a = np.nan_to_num(a)
        x = self.batch.points[: sum(self.batch.counts)]
        if np.abs(x - self.low).max(initial=0.0) > _ROUNDING * self._width or unknown.sum() > len(x):
            raise _NoTrajectory  # a condition elsewhere, or too few of them
        if unknown.any():
            a = self._by_conditions(a, unknown)
        if not np.isfinite(a).all():
            raise _NoTrajectory
        return a

    def _by_conditions(self, a: np.ndarray, unknown: np.ndarray) -> np.ndarray:
        """The derivatives that are `unknown`, from the conditions, by Newton's method; others as in `a`."""
        units = self._units(a.shape[1])
        for _ in range(3):  # conditions are linear as a rule
            errors, slopes = self._condition_errors(a)
            matrix = (slopes * units)[:, unknown]
            rows = np.abs(matrix).max(axis=1, keepdims=True)
            if not (rows > 0).all() or np.linalg.matrix_rank(matrix / rows) < unknown.sum():
                raise _NoTrajectory
            change, *_ = np.linalg.lstsq(matrix / rows, -errors / rows[:, 0], rcond=None)
            a = a.copy()
            a[unknown] += change * units[unknown]
        return a

    def _condition_errors(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Errors ``(m,)`` of the conditions at the start, and their derivatives ``(m, outputs, orders)``."""
        leaf = torch.as_tensor(a).requires_grad_()
        x = self.batch.x.detach().requires_grad_()
        u = _polynomial(x, leaf.expand(len(x), *a.shape), torch.full_like(x, self.low))
        errors = torch.cat([each[0].flatten() for each in self.residuals.condition_errors(x, u, self.batch)])
        slopes = [torch.autograd.grad(each, leaf, retain_graph=True)[0] for each in errors]
        return errors.numpy(force=True), torch.stack(slopes).numpy()

    def _by_transform(self, orders: int) -> np.ndarray:
        """Derivatives ``(outputs, orders)`` at the start that are the same for any network; NaN for the others."""
        if not self.residuals.equation.has_transform:
            return np.full((len(self.size), orders), np.nan)
        first, second = (self._derivatives_of(np.random.default_rng(seed), orders) for seed in range(2))
        return np.where(np.abs(first - second) <= _SAME * self._units(orders), first, np.nan)

    def _derivatives_of(self, random: np.random.Generator, orders: int) -> np.ndarray:
        """Derivatives of the transform of random polynomials at the start ``(outputs, orders)``."""
        t = torch.full((1, 1), self.low, dtype=torch.float64, requires_grad=True)
        a = torch.as_tensor(random.normal(size=(1, len(self.size), orders + 1)) * self._units(orders + 1))
        columns = list(self.residuals.solution(lambda x: _polynomial(x, a), t)[0])
        found = []
        for column in columns:
            derivatives = [column]
            while len(derivatives) < orders:
                (further,) = torch.autograd.grad(derivatives[-1], t, create_graph=True)
                derivatives.append(further[0, 0])
            found.append([each.item() for each in derivatives])
        return np.array(found)

    def _transform(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The solution for outputs of zero, and its slopes by each output, ``(n, outputs)``, where it is affine."""
        nothing, *each = (self._transformed(t, row) for row in np.vstack([0 * self.size, np.diag(self.size)]))
        slopes = np.stack([one - nothing for one in each], axis=-1)
        own = np.einsum("nkk->nk", slopes)
        double = self._transformed(t, 2 * self.size) - nothing
        if not np.allclose(double, 2 * own, rtol=_SAME, atol=_SAME * np.abs(own).max()):
            raise _NoTrajectory  # it is not affine, or mixes outputs
        return nothing, own / self.size

    def _transformed(self, t: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The solution ``(n, outputs)`` at times `t` for constant outputs `y` ``(outputs,)`` of a network."""
        x = torch.as_tensor(t)
        return self.residuals.solution(lambda x: x.new_tensor(y).expand(len(x), -1), x).numpy(force=True)

    # The trajectory ---------------------------------------------------------------------------------------------------

    def _integrated(self, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Times and solution from the `first` state on."""
        units, times = self._units(max(self._orders) + 1), np.linspace(0, 1, _TIMES)
        self._require_affine(self.low, np.pad(first, ((0, 0), (0, 1))))
        start = (first / units[:, :-1])[self._state]
        for method, most in _METHODS:
            try:
                slope = self._slope(units, most)
                found = solve_ivp(slope, (0, 1), start, method, t_eval=times, rtol=_RELATIVE, atol=_ABSOLUTE)
            except _TooMuchWork:
                continue
            if found.success and np.isfinite(found.y).all():
                values = found.y[np.flatnonzero(self._state.nonzero()[1] == 0)].T
                return self.low + times[:, None] * self._width, values * self.size
        raise _NoTrajectory

    def _slope(self, units: np.ndarray, most: int) -> Callable[[float, np.ndarray], np.ndarray]:
        """The slope of the state in `units`, by the share of the interval; at the `most` so many times."""
        evaluations = iter(range(most))

        def slope(share: float, state: np.ndarray) -> np.ndarray:
            if next(evaluations, None) is None:
                raise _TooMuchWork
            a = np.zeros_like(units)
            a[:, :-1][self._state] = state
            a = self._completed(self.low + share * self._width, a * units) / units
            return a[:, 1:][self._state]

        return slope

    def _completed(self, t: float, a: np.ndarray) -> np.ndarray:
        """The derivatives `a` ``(outputs, orders)`` at time `t`, those of the highest order from the equation."""
        matrix, without = self._affine(t, a)
        done = a.copy()
        done[self._highest] = -np.linalg.solve(matrix, without)
        return done

    def _affine(self, t: float, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Responses ``(residuals, outputs)`` to the highest derivatives at time `t`, and residuals without these."""
        unit = self._units(a.shape[1])[self._highest]
        rows = np.repeat(a[None], len(a) + 1, axis=0)
        for k, n in enumerate(self._orders):
            rows[:, k, n] = 0.0
            rows[k + 1, k, n] = unit[k]
        values = self._values(t, rows)
        return (values[1:] - values[0]).T / unit, values[0]

    def _require_affine(self, t: float, a: np.ndarray) -> None:
        """Refuse an equation that the highest derivatives, found as if it were affine in them, do not solve."""
        matrix, without = self._affine(t, a)
        done = self._completed(t, a)
        terms = np.abs(matrix * done[self._highest]).sum(axis=1) + np.abs(without)
        if (np.abs(self._values(t, done[None])[0]) > _SAME * terms).any():
            raise _NoTrajectory

    def _values(self, t: float, rows: np.ndarray) -> np.ndarray:
        """Residuals ``(rows, residuals)`` of polynomials with derivatives ``(rows, outputs, orders)`` at time `t`."""
        found = self._residuals_at(torch.full((len(rows), 1), t, dtype=torch.float64), torch.as_tensor(rows))
        values = found.numpy(force=True)
        if not np.isfinite(values).all():
            raise _NoTrajectory
        return values

    @property
    def _highest(self) -> tuple[list[int], list[int]]:
        """Indices of the highest derivatives in ``(outputs, orders)``."""
        return list(range(len(self._orders))), self._orders


def _polynomial(x: Tensor, a: Tensor, centre: Tensor | None = None) -> Tensor:
    """Values ``(rows, outputs)`` at `x` of the polynomials with derivatives `a` at the `centre`, by default there."""
    here = x - (x.detach() if centre is None else centre)
    return sum(a[:, :, j] * here**j / factorial(j) for j in range(a.shape[2]))  # type: ignore[return-value]
