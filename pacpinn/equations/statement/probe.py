"""Which derivatives a residual contains, and with which coefficients: found by evaluating it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import factorial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import bounding_box
from pacpinn.equations.equation_task import EquationTask
from pacpinn.runtime.deepxde_backend import deepxde_defaults

_LEVEL, _NEXT = 1.3, 0.2  # values of the functions: positive, for powers and logarithms
_SMALLEST = 1e-9  # of the residual's size: what is less is rounding


class Probe:
    """The residual of a task's equation at functions that differ in one derivative alone.

    The term ``(s - s0)^n / n!``, in which s0 is the value of s at each point itself, changes the derivative of order n
    in s at every point and no other derivative. Lengths are in units of the domain's width.
    """

    def __init__(self, task: EquationTask) -> None:
        self.task, self.equation = task, task.equation
        with deepxde_defaults(task.dtype, torch.device("cpu")):
            self.geometry = task.equation.geometry(task.coefficients)
        self.low, self.high = bounding_box(self.geometry)

    def coefficient(
        self, x: np.ndarray, coordinate: int, order: int, *, output: int | None = None, level: bool = False
    ) -> np.ndarray:
        """The change of the residuals ``(equations, rows)`` at points `x` if one derivative is larger by 1.

        For an equation that is linear in that derivative this is its coefficient; zero where the derivative does not
        occur, and everywhere if the residual cannot be evaluated at these points.

        Args:
            x: points ``(rows, inputs)``.
            coordinate, order: of the derivative.
            output: whose derivative; by default that of every output.
            level: whether the functions are otherwise constant, so that a coefficient's dependence on the solution
                does not show as a dependence on the place.
        """
        width, count = self.high[coordinate] - self.low[coordinate], len(self.equation.outputs)
        # Different factors, so that the terms of two outputs do not cancel.
        factors = [1 + 0.37 * k if output is None else float(k == output) for k in range(count)]

        def larger(points: Tensor) -> Tensor:
            s = points[:, coordinate : coordinate + 1] / width
            return self._base(points, level) + (s - s.detach()) ** order / factorial(order) * points.new_tensor(factors)

        with np.errstate(all="ignore"):
            before, after = self._residuals(x, lambda points: self._base(points, level)), self._residuals(x, larger)
            change, size = after - before, np.maximum(np.abs(before), np.abs(after))
            return np.where(np.abs(change) > _SMALLEST * np.maximum(size, _SMALLEST), change, 0)

    def _base(self, points: Tensor, level: bool) -> Tensor:
        """Outputs ``(rows, outputs)`` that are constant, or vary in all coordinates, with all of their derivatives."""
        shares = (points - points.new_tensor(self.low)) / points.new_tensor(self.high - self.low)
        phases = shares @ torch.arange(1.0, shares.shape[1] + 1, dtype=shares.dtype, device=shares.device)[:, None]
        numbers = torch.arange(len(self.equation.outputs), dtype=shares.dtype, device=shares.device)
        return _LEVEL + _NEXT * numbers + (0.0 if level else 0.4) * torch.sin(phases + numbers)

    def _residuals(self, x: np.ndarray, function: Callable[[Tensor], Tensor]) -> np.ndarray:
        """Residuals ``(equations, rows)``; NaN where the formulas do not take these points or functions."""
        task = self.task
        with deepxde_defaults(task.dtype, task.device):
            points = task.tensor(x).requires_grad_()
            y = function(points)
            try:
                with warnings.catch_warnings(action="ignore"):
                    found: Any = self.equation.residual(points, y, task.coefficients)
                columns = list(found) if isinstance(found, list | tuple) else [found]
                return torch.stack([each.detach().reshape(len(x)) for each in columns]).cpu().double().numpy()
            except Exception:  # formulas that only take the points that they have drawn, or only their own outputs
                return np.full((1, len(x)), np.nan)
