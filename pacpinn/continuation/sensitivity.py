"""The derivative of a calibrated solution by its coefficients: the tangent of the calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.measurements import Measurements
from pacpinn.networks.error_estimate import error_estimate
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.networks.residual_blocks import join_blocks
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Forward

_DAMPING = 1e-12  # of the trace of JᵀJ: directions with a singular value below a millionth of |J| are damped


class Tangent(NamedTuple):
    """The derivative dw/dc ``(p, names)`` of the free weights by the coefficients, and a measure of its accuracy.

    `rest` is the relative norm of the part of dr/dc that no change of the weights balances, the largest over the names.
    """

    weights: Tensor
    rest: float


class Response(NamedTuple):
    """Differences to measurements ``(m,)`` in standard deviations, and their slopes by coefficients ``(m, names)``."""

    differences: np.ndarray
    slopes: np.ndarray


class Calibrated:
    """A task of an equation with a base's free weights `z` ``(p,)`` that solve it, in double precision."""

    def __init__(self, task: EquationTask, masked: MaskedNetwork, z: Tensor) -> None:
        self.task, self.base = task.to(torch.float64), masked
        self.masked, self.z = masked.to(torch.float64, task.device), z.to(torch.float64)

    @property
    def coefficients(self) -> Coefficients:
        return self.task.coefficients

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The solution ``(rows, outputs)`` at points `x` ``(rows, inputs)``."""
        return self.task.predict(self.masked.forward(self.z), np.asarray(x))

    def tangent(self, names: Sequence[str]) -> Tangent:
        """Solve ``J dw/dc = -dr/dc`` for the free weights by least squares, on the task's own points.

        dr/dc is a central difference at fixed weights (implicit differentiation: Allgower & Georg 2003, section 2.1).
        """
        batch, sizes = self.task.everything(), self.task.equation.sizes_at(self.task.coefficients)
        forward = self.masked.forward(self.z)

        def residuals(c: Coefficients) -> Tensor:
            other = self.task.at(c)
            other.sizes = replace(other.equation.sizes_at(c), blocks=sizes.blocks)
            points = replace(batch, conditions=[other.conditions()])
            return join_blocks(other.residuals(forward, points))[0].detach()

        with untouched():
            by_weights = Objective(self.task, self.masked).linearise(self.z[None]).jacobian[0]
            by_names = self._differences(residuals, names)
        normal = by_weights.T @ by_weights
        normal.diagonal().add_(_DAMPING * normal.trace())
        weights = torch.linalg.solve(normal, -by_weights.T @ by_names)
        rest = (by_weights @ weights + by_names).norm(dim=0) / by_names.norm(dim=0).clamp(min=1e-300)
        return Tangent(weights, float(rest.max()))

    def misfit(self, measurements: Measurements) -> float:
        """Root mean square difference to measurements, in standard deviations."""
        measured = self.task.with_measurements(measurements, physics=False)
        with untouched():
            loss = measured.loss(self.masked.forward(self.z), measured.everything())
        return float(loss.detach().sqrt())

    def response(self, measurements: Measurements, names: Sequence[str], tangent: Tangent) -> Response:
        """Differences to measurements, and their derivatives by the coefficients.

        The coefficients act through the weights, and directly through the equation's transform and features. The
        measurements must have a deviation, and the tangent must be that of the same `names`.
        """
        measured = self.task.with_measurements(measurements, physics=False)
        forward, root = self.masked.forward(self.z), len(measurements) ** 0.5

        def differences(c: Coefficients) -> Tensor:
            other = self.task.at(c).with_measurements(measurements, physics=False)
            return join_blocks(other.residuals(forward, other.everything()))[0].detach()

        with untouched():
            linear = Objective(measured, self.masked).linearise(self.z[None])
            slopes = linear.jacobian[0] @ tangent.weights + self._differences(differences, names)
        return Response(root * linear.residuals[0].numpy(force=True), root * slopes.numpy(force=True))

    def error_of(self, measurements: Measurements) -> np.ndarray | None:
        """The differences to measurements less those of the true solution ``(m,)``, estimated, in standard deviations.

        None if no residual tells them.
        """
        found = error_estimate(self.task, self.masked, self.z)
        if found is None:
            return None
        measured = self.task.with_measurements(measurements, physics=False)
        root, batch = len(measurements) ** 0.5, measured.everything()

        def differences(forward: Forward) -> np.ndarray:
            return root * join_blocks(measured.residuals(forward, batch))[0].numpy(force=True)

        with untouched():
            return found.of(differences)

    def sensitivity(self, x: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """du/dc ``(rows, outputs, names)`` at points `x` ``(rows, inputs)``."""
        outputs = len(self.task.equation.outputs)
        everywhere = Measurements(x, np.zeros((len(x), outputs)), deviation=1.0)
        slopes = self.response(everywhere, names, self.tangent(names)).slopes
        return slopes.reshape(outputs, len(x), len(names)).transpose(1, 0, 2)

    def _differences(self, function: Callable[[Coefficients], Tensor], names: Sequence[str]) -> Tensor:
        """Central differences ``(m, names)`` of a function of the coefficients."""
        columns = []
        for name in names:
            behind, ahead = self.task.equation.space.neighbours(self.coefficients, name)
            columns.append((function(ahead) - function(behind)) / (ahead[name] - behind[name]))
        return torch.stack(columns, dim=1)
