"""An equation at fixed coefficients: its points, its residuals on them, its error."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor

from pacpinn.backend import dde, deepxde_defaults
from pacpinn.coefficient import Coefficients
from pacpinn.collocation import Collocation, Points, domain_points, regular_grid, until
from pacpinn.equation_residuals import expected_of, residual_blocks, solution
from pacpinn.errors import ResidualError
from pacpinn.isolation import untouched
from pacpinn.task import Block, Forward, LeastSquaresTask, Score

if TYPE_CHECKING:
    from pacpinn.equation import Equation

_PENALTY_SHARE = 1e-6  # a penalty floors the accuracy: its part of the loss must stay far under tolerance²


class EquationTask(LeastSquaresTask):
    """An equation at fixed coefficients: DeepXDE's residuals, as vectors.

    Args:
        equation: the family.
        coefficients: the values.
    """

    dtype = torch.float64

    def __init__(self, equation: Equation, coefficients: Coefficients) -> None:
        self.equation = equation
        self.coefficients = coefficients
        self.tolerance = equation.tolerance
        self.scale = equation.scale(coefficients)
        if not 0 < self.scale < math.inf:
            raise ResidualError(
                f"the scale of {equation.name} at {coefficients} is {self.scale}; expected a size above 0"
            )
        self._horizon = 1.0
        self._training: Collocation | None = None
        self._reference: tuple[np.ndarray, np.ndarray | None] | None = None

    def to(self, dtype: torch.dtype | None = None, device: str | torch.device | None = None) -> Self:
        other = super().to(dtype, device)
        other._training = None
        return other

    @property
    def penalty(self) -> float:
        return _PENALTY_SHARE * (self.tolerance or 0.0) ** 2

    @property
    def warm_up(self) -> int:
        return self.equation.warm_up

    def easier(self) -> list[Self]:
        """The same equation up to each of its horizons."""
        return [self._until(share) for share in self.equation.horizons]

    def _until(self, share: float) -> Self:
        other = copy.copy(self)
        other._horizon, other._training = share, None
        return other

    def everything(self) -> Collocation:
        """The training points: the same ones for every coefficient, so that neighbouring targets stay comparable."""
        if self._training is None:
            place = self.equation.place
            points = self.equation.points
            self._training = self._draw(points, points.distribution, 0, lambda x: place(x, self.coefficients))
        return self._training

    def drawn_anew(self, seed: int) -> Self:
        """The same task on other training points inside the domain, drawn at random."""
        equation, c, other = self.equation, self.coefficients, copy.copy(self)
        geometry = until(equation.geometry(c), self._horizon)

        def others(x: np.ndarray) -> np.ndarray:
            with untouched(seed):
                return equation.place(domain_points(geometry, len(x), "pseudo"), c)

        other._training = self._draw(equation.points, equation.points.distribution, 0, others)
        return other

    def fresh(self, seed: int) -> Collocation:
        """As many points again, drawn evenly at random."""
        return self._draw(self.equation.points, "pseudo", seed, lambda x: x)

    @property
    def size(self) -> int:
        points = self.equation.points
        return points.domain + points.boundary + points.initial

    def few(self, count: int) -> Collocation:
        points = self.equation.points
        return self._draw(replace(points, domain=min(count, points.domain)), "pseudo", 0, lambda x: x)

    def inputs(self, batch: Collocation) -> Tensor:
        return self.equation.features(batch.x, self.coefficients)

    def residuals(self, forward: Forward, batch: Collocation) -> list[Block]:
        """One block for each equation, in units of its scale, then one for each condition.

        Raises:
            ResidualError: if a residual or the solution has the wrong shape, or a condition has no points.
        """
        with deepxde_defaults(self.dtype, self.device):
            return residual_blocks(self.equation, self.coefficients, self.scale, forward, batch)

    def score(self, forward: Forward) -> Score | None:
        """Relative L2 error against the reference on a regular grid over the domain; None without a reference."""
        x, exact = self.reference_on_grid()
        if exact is None:
            return None
        difference = self.predict(forward, x) - exact
        return Score("relative L2 error", float(np.linalg.norm(difference) / np.linalg.norm(exact)))

    def predict(self, forward: Forward, x: np.ndarray) -> np.ndarray:
        points = self.tensor(x)
        with torch.no_grad(), deepxde_defaults(self.dtype, self.device):
            values = solution(self.equation, self.coefficients, forward, points)
        return values.cpu().numpy()

    def reference_on_grid(self) -> tuple[np.ndarray, np.ndarray | None]:
        """A regular grid ``(rows, inputs)`` over the domain and the reference ``(rows, outputs)`` there, or None."""
        if self._reference is None:
            x = self.grid()
            exact = self.equation.reference(x, self.coefficients)
            if exact is not None and np.shape(exact) != (len(x), len(self.equation.outputs)):
                raise ResidualError(
                    f"the reference of {self.equation.name} at {self.coefficients} has shape {np.shape(exact)}; "
                    f"{expected_of(self.equation, len(x))}"
                )
            self._reference = x, None if exact is None else np.asarray(exact, dtype=float)
        return self._reference

    def grid(self, per_axis: int | None = None) -> np.ndarray:
        """Points of a regular grid ``(rows, inputs)`` that lie in the domain, its boundary included."""
        return regular_grid(self.equation.geometry(self.coefficients), per_axis)

    def _draw(
        self, points: Points, distribution: str, seed: int, place: Callable[[np.ndarray], np.ndarray]
    ) -> Collocation:
        equation, c = self.equation, self.coefficients
        with untouched(seed), deepxde_defaults(self.dtype, torch.device("cpu")):
            geometry = until(equation.geometry(c), self._horizon)
            arguments: dict[str, Any] = {
                "num_boundary": points.boundary,
                "train_distribution": distribution,
                "anchors": place(domain_points(geometry, points.domain, distribution)),
            }
            kind = dde.data.PDE
            if isinstance(geometry, dde.geometry.GeometryXTime):
                kind, arguments["num_initial"] = dde.data.TimePDE, points.initial
            # Without a residual DeepXDE would leave out the domain's points; ours is asked for in residual_blocks.
            data = kind(geometry, lambda x, y: [], list(equation.conditions(geometry, c)), **arguments)
        return Collocation(self.tensor(data.train_x), data.train_x, [data.bcs], [int(n) for n in data.num_bcs])
