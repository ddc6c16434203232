"""An equation at fixed coefficients: DeepXDE's residuals, as vectors."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor

from pacpinn.backend import dde, deepxde_defaults
from pacpinn.coefficient import Coefficients
from pacpinn.collocation import Collocation, domain_points, regular_grid, until
from pacpinn.errors import ResidualError
from pacpinn.isolation import untouched
from pacpinn.task import Block, Forward, LeastSquaresTask, Score

if TYPE_CHECKING:
    from pacpinn.equation import Equation

_PENALTY_SHARE = 1e-6  # a penalty floors the accuracy: its part of the loss must stay far under tolerance²
_POINTWISE = (
    dde.icbc.DirichletBC,
    dde.icbc.NeumannBC,
    dde.icbc.RobinBC,
    dde.icbc.OperatorBC,
    dde.icbc.PointSetBC,
    dde.icbc.PointSetOperatorBC,
    dde.icbc.IC,
)


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
            self._training = self._draw(self.equation.points.distribution, 0, lambda x: place(x, self.coefficients))
        return self._training

    def fresh(self, seed: int) -> Collocation:
        """As many points again, drawn evenly at random."""
        return self._draw("pseudo", seed, lambda x: x)

    def inputs(self, batch: Collocation) -> Tensor:
        return self.equation.features(batch.x, self.coefficients)

    def residuals(self, forward: Forward, batch: Collocation) -> list[Block]:
        """One block for each equation, in units of its scale, then one for each condition.

        Raises:
            ResidualError: if a residual or the solution has the wrong shape, or a condition has no points.
        """
        data = batch.data
        with deepxde_defaults(self.dtype, self.device):
            x = batch.x.detach().requires_grad_()
            y = self._solution(forward, x)
            errors = data.losses_train(None, y, lambda _, error: error, x, None)
        names, rows = self._layout(data, len(errors), len(x))
        for name, error, which in zip(names, errors, rows, strict=True):
            self._require_column(name, error, len(error) if which is None else len(which))
            if not len(error):
                raise ResidualError(
                    f"the {name} of {self.equation.name} at {self.coefficients} has no points; expected some: "
                    "ask for them, as in points = Points(boundary=80, initial=80), and check where the condition holds"
                )
        scales = [self.scale] * (len(errors) - len(data.bcs)) + [1.0] * len(data.bcs)
        weights = self.equation.weights or [1.0] * len(errors)
        if len(weights) != len(errors):
            raise ResidualError(
                f"{self.equation.name} has {len(weights)} weights; expected {len(errors)}, for: {', '.join(names)}"
            )
        return [
            Block(name, error[:, 0] / scale, which, weight)
            for name, error, scale, which, weight in zip(names, errors, scales, rows, weights, strict=True)
        ]

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
            values = self._solution(forward, points)
        return values.cpu().numpy()

    def reference_on_grid(self) -> tuple[np.ndarray, np.ndarray | None]:
        """A regular grid ``(rows, inputs)`` over the domain and the reference ``(rows, outputs)`` there, or None."""
        if self._reference is None:
            x = self.grid()
            exact = self.equation.reference(x, self.coefficients)
            if exact is not None and np.shape(exact) != (len(x), len(self.equation.outputs)):
                raise ResidualError(
                    f"the reference of {self.equation.name} at {self.coefficients} has shape {np.shape(exact)}; "
                    f"{self._expected_of(len(x))}"
                )
            self._reference = x, None if exact is None else np.asarray(exact, dtype=float)
        return self._reference

    def grid(self, per_axis: int | None = None) -> np.ndarray:
        """Points of a regular grid ``(rows, inputs)`` that lie in the domain, its boundary included."""
        return regular_grid(self.equation.geometry(self.coefficients), per_axis)

    def _draw(self, distribution: str, seed: int, place: Callable[[np.ndarray], np.ndarray]) -> Collocation:
        equation, c, points = self.equation, self.coefficients, self.equation.points
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

            def pde(x: Tensor, y: Tensor) -> list[Tensor]:  # of two arguments: DeepXDE takes a third for auxiliary ones
                found = equation.residual(x, y, c)
                columns: list[Any] = list(found) if isinstance(found, list | tuple) else [found]
                for name, column in zip(_equation_names(len(columns)), columns, strict=True):
                    self._require_column(name, column, len(x))
                return columns

            data = kind(geometry, pde, list(equation.conditions(geometry, c)), **arguments)
        return Collocation(data, self.tensor(data.train_x))

    def _layout(self, data: Any, blocks: int, rows: int) -> tuple[list[str], list[Tensor | None]]:
        """Names of the residual blocks, and the rows that each residual depends on."""
        ends = np.cumsum([0, *data.num_bcs])
        equations = blocks - len(data.bcs)
        names = _equation_names(equations)
        names += [f"condition {i + 1} ({type(bc).__name__})" for i, bc in enumerate(data.bcs)]
        domain: Tensor | None = torch.arange(int(ends[-1]), rows)[:, None]
        layout = [domain] * equations
        layout += [
            _rows(bc, int(begin), int(end)) for bc, begin, end in zip(data.bcs, ends[:-1], ends[1:], strict=True)
        ]
        return names, layout

    def _solution(self, forward: Forward, x: Tensor) -> Tensor:
        y = self.equation.transform(x, forward(self.equation.features(x, self.coefficients)), self.coefficients)
        if tuple(y.shape) != (len(x), len(self.equation.outputs)):
            raise ResidualError(
                f"the solution of {self.equation.name} at {self.coefficients} has shape {tuple(y.shape)}; "
                f"{self._expected_of(len(x))}"
            )
        return y

    def _expected_of(self, rows: int) -> str:
        outputs = self.equation.outputs
        return f"expected ({rows}, {len(outputs)}) for {', '.join(outputs)}: keep columns apart, as in x[:, 0:1]"

    def _require_column(self, name: str, values: Any, rows: int) -> None:
        shape = tuple(values.shape) if isinstance(values, Tensor) else None
        if shape != (rows, 1):
            found = f"is a {type(values).__name__}" if shape is None else f"has shape {shape}"
            raise ResidualError(
                f"the {name} of {self.equation.name} at {self.coefficients} {found}; expected a tensor of shape "
                f"({rows}, 1): keep columns two-dimensional, as in y[:, 0:1]"
            )


def _equation_names(count: int) -> list[str]:
    return ["residual"] if count == 1 else [f"residual {i + 1}" for i in range(count)]


def _rows(condition: Any, begin: int, end: int) -> Tensor | None:
    rows = torch.arange(begin, end)
    if isinstance(condition, _POINTWISE):
        return rows[:, None]
    if isinstance(condition, dde.icbc.PeriodicBC):
        return rows.reshape(2, -1).T  # the points on one side, then their partners on the other
    return None
