"""Differential equations, stated in DeepXDE's own terms, as problems and tasks."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from pacpinn.backend import dde, deepxde_defaults
from pacpinn.coefficient import Coefficients
from pacpinn.errors import ResidualError
from pacpinn.isolation import untouched
from pacpinn.problem import Problem
from pacpinn.task import Block, Forward, LeastSquaresTask, Score

_GRID_POINTS = 20_000
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


@dataclass(frozen=True)
class Points:
    """How many collocation points DeepXDE draws, and from which distribution (its ``train_distribution``)."""

    domain: int = 1024
    boundary: int = 0
    initial: int = 0
    distribution: Literal["uniform", "pseudo", "LHS", "Halton", "Hammersley", "Sobol"] = "Hammersley"


class Collocation(NamedTuple):
    """Collocation points: DeepXDE's data object, and its points ``(rows, inputs)`` as a tensor."""

    data: Any
    x: Tensor


class Equation(Problem):
    """A family of ordinary or partial differential equations, set up with DeepXDE's geometries and conditions.

    Class attributes that a subclass may set:
        points: the collocation points to draw.
        tolerance: root mean square residual, in units of :meth:`scale` and on points that training does not see, at
            which a task counts as solved.
        horizons: shares of the time interval on which a cold start solves the equation first, such as (0.25, 0.5).
        warm_up: steps of Adam with which a cold start begins, for a start from which Levenberg-Marquardt goes astray.
        weights: one loss weight for each equation, then for each condition, as DeepXDE's ``loss_weights``.
        hidden: widths of the default network's hidden layers.

    Example:
        >>> class Decay(Equation):
        ...     "u' = -k u on [0, 1], u(0) = 1."
        ...     k = Coefficient(1.0, low=0.1, high=10.0)
        ...     inputs, outputs, points = ("t",), ("u",), Points(domain=32)
        ...     def geometry(self, c):
        ...         return dde.geometry.TimeDomain(0, 1)
        ...     def residual(self, t, u, c):
        ...         return dde.grad.jacobian(u, t) + c.k * u
        ...     def transform(self, t, u, c):
        ...         return 1 + t * u
    """

    inputs = ("x", "t")
    outputs = ("u",)
    points: ClassVar[Points] = Points()
    tolerance: ClassVar[float] = 3e-4
    horizons: ClassVar[Sequence[float]] = ()
    warm_up: ClassVar[int] = 0
    weights: ClassVar[Sequence[float] | None] = None
    hidden: ClassVar[Sequence[int]] = (32, 32, 32)

    @abstractmethod
    def geometry(self, c: Coefficients) -> Any:
        """The domain: a DeepXDE geometry, ``TimeDomain`` or ``GeometryXTime``."""

    @abstractmethod
    def residual(self, x: Tensor, y: Tensor, c: Coefficients) -> Tensor | Sequence[Tensor]:
        """DeepXDE's pde function with coefficients: one residual ``(rows, 1)``, or one for each equation."""

    def conditions(self, geometry: Any, c: Coefficients) -> Sequence[Any]:
        """DeepXDE's initial and boundary conditions, newly made at each call. None by default."""
        return []

    def features(self, x: Tensor, c: Coefficients) -> Tensor:
        """What the network is given in place of the inputs `x` ``(rows, inputs)``: ``(rows, any)``. By default `x`.

        A place for periodic or Fourier features, or any map that makes the solution a smoother function, as in
        ``torch.cat([torch.sin(x[:, 0:1]), torch.cos(x[:, 0:1]), x[:, 1:2]], dim=1)`` for a period of 2 pi.
        """
        return x

    def transform(self, x: Tensor, y: Tensor, c: Coefficients) -> Tensor:
        """The solution in terms of the network's outputs `y`: a place to make conditions exact. By default `y`."""
        return y

    def scale(self, c: Coefficients) -> float:
        """Size of the equation's own terms, by which residuals are divided: one tolerance then suits all coefficients.

        1 by default.
        """
        return 1.0

    def place(self, x: np.ndarray, c: Coefficients) -> np.ndarray:
        """Where the points `x` ``(rows, inputs)``, drawn evenly over the domain, are put for training.

        A place to have more of them where the solution is steep. By default they stay where they are.
        """
        return x

    def reference(self, x: np.ndarray, c: Coefficients) -> np.ndarray | None:
        """An independent solution ``(rows, outputs)`` at `x`, for reporting errors only. By default there is none."""
        return None

    def network(self, seed: int) -> nn.Module:
        """A fully connected tanh network with Glorot-normal weights."""
        features = self.features(torch.zeros(1, len(self.inputs)), self.source)
        sizes = [features.shape[1], *self.hidden, len(self.outputs)]
        network: nn.Module = dde.nn.FNN(sizes, "tanh", "Glorot normal")
        return network

    def initial_network(self, seed: int) -> nn.Module:
        with deepxde_defaults(torch.float64, torch.device("cpu")):
            return super().initial_network(seed)

    def build(self, c: Coefficients) -> EquationTask:
        return EquationTask(self, c)


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
        geometry = self.equation.geometry(self.coefficients)
        low, high = bounding_box(geometry)
        count = per_axis or min(1001, round(_GRID_POINTS ** (1 / len(low))))
        axes = [np.linspace(a, b, count) for a, b in zip(low, high, strict=True)]
        x = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
        space = getattr(geometry, "geometry", None)
        inside = geometry.inside(x) if space is None else space.inside(x[:, :-1])
        return x[inside]

    def _draw(self, distribution: str, seed: int, place: Callable[[np.ndarray], np.ndarray]) -> Collocation:
        equation, c, points = self.equation, self.coefficients, self.equation.points
        with untouched(seed), deepxde_defaults(self.dtype, torch.device("cpu")):
            geometry = _until(equation.geometry(c), self._horizon)
            arguments: dict[str, Any] = {
                "num_boundary": points.boundary,
                "train_distribution": distribution,
                "anchors": place(_domain_points(geometry, points.domain, distribution)),
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


def bounding_box(geometry: Any) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of a DeepXDE geometry, time last."""
    if isinstance(geometry, dde.geometry.GeometryXTime):
        low, high = bounding_box(geometry.geometry)
        return np.append(low, geometry.timedomain.t0), np.append(high, geometry.timedomain.t1)
    low, high = geometry.bbox
    return np.ravel(low), np.ravel(high)


def _until(geometry: Any, share: float) -> Any:
    """The geometry up to a share of its time interval."""
    if share == 1:
        return geometry
    if isinstance(geometry, dde.geometry.GeometryXTime):
        return dde.geometry.GeometryXTime(geometry.geometry, _until(geometry.timedomain, share))
    if isinstance(geometry, dde.geometry.TimeDomain):
        return dde.geometry.TimeDomain(geometry.t0, geometry.t0 + share * (geometry.t1 - geometry.t0))
    raise ResidualError(
        f"horizons are shares of a time interval, which a {type(geometry).__name__} has not; expected a TimeDomain or "
        "a GeometryXTime: leave the horizons out"
    )


def _domain_points(geometry: Any, count: int, distribution: str) -> np.ndarray:
    if distribution == "uniform":
        return geometry.uniform_points(count, boundary=False)
    return geometry.random_points(count, random=distribution)


def _equation_names(count: int) -> list[str]:
    return ["residual"] if count == 1 else [f"residual {i + 1}" for i in range(count)]


def _rows(condition: Any, begin: int, end: int) -> Tensor | None:
    rows = torch.arange(begin, end)
    if isinstance(condition, _POINTWISE):
        return rows[:, None]
    if isinstance(condition, dde.icbc.PeriodicBC):
        return rows.reshape(2, -1).T  # the points on one side, then their partners on the other
    return None
