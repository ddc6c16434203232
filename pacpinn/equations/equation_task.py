"""An equation at fixed coefficients: its points, its residuals on them, its error; and its stages in a cold start."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import (
    Collocation,
    Points,
    bounding_box,
    causal_weights,
    deepxde_data,
    domain_points,
    regular_grid,
    residual_choice,
    until,
    with_time,
)
from pacpinn.equations.measurements import Fit, Measurements, Observed, expected_misfit, observed
from pacpinn.equations.residuals import expected_of, measured_blocks, outputs_of, residual_blocks, solution
from pacpinn.errors import ResidualError
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched
from pacpinn.runtime.user_code import naming_user_code
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Block, Forward, LeastSquaresTask, Score

if TYPE_CHECKING:
    from pacpinn.equations.equation import Equation

_PENALTY_SHARE = 1e-6  # a penalty floors the accuracy: its part of the loss must stay far under tolerance²
_STRIDE = 0.125  # of a coefficient's range: how far apart the easier coefficients of a walk lie
_CANDIDATES = 10  # points among which one is chosen by its residual
_CANDIDATES_SEED = 1000  # of the first draw: none of them may be a fresh point, on which solutions are checked
_FIT_SEED = 1  # of the points on which a fit is judged
_VALIDATION_SEED = 2  # of those on which settings are
_NEARLY = 10  # times its tolerance: how well an easier task, which is but a start, need be solved


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
        self._windows = 1
        self._window_weights: Tensor | None = None
        self._draws = 0
        self._stated: float | None = None
        self._measurements: tuple[Measurements, ...] = ()
        self._physics = True
        self._training: Collocation | None = None
        self._fresh: dict[int, Collocation] = {}
        self._reference: tuple[np.ndarray, np.ndarray | None] | None = None

    def to(self, dtype: torch.dtype | None = None, device: str | torch.device | None = None) -> Self:
        other = super().to(dtype, device)
        other._training, other._fresh = None, {}
        return other

    @property
    def penalty(self) -> float:
        return _PENALTY_SHARE * (self.accuracy if self._physics else 1.0) ** 2

    def with_measurements(self, *measurements: Measurements, physics: bool = True) -> Self:
        """The same task with measurements as further residuals, or with nothing but measurements.

        One standard deviation weighs as much as the equation's tolerance: the equation holds, the measurements are
        noisy. The task is solved where the equation is and the misfit is as noise lets expect (its mean square at
        most what it exceeds once in a thousand times); one that stalls is at the minimum of both, and its measurements
        contradict the equation at these coefficients. :meth:`fit` tells how far. Without `physics` the measurements are
        all there is: the task is solved where their mean square misfit is one (Morozov's discrepancy principle), and
        what lies between them comes from the network that the calibration starts from.

        Args:
            measurements: each with its standard deviation.
            physics: whether the equation and its conditions are to hold as well.

        Raises:
            MeasurementError: if they do not belong to the problem or its domain, or their deviation is not known.
        """
        equation, geometry = self.equation, self.equation.geometry(self.coefficients)
        for each in measurements:
            each.require_fit(equation.name, equation.inputs, equation.outputs, geometry)
            each.conditions(equation.outputs)
        other = self._but()
        other._measurements, other._physics = (*self._measurements, *measurements), physics
        other._stated = self.accuracy
        other.tolerance = self.accuracy * expected_misfit(other._measurements) if physics else 1.0
        return other

    @property
    def accuracy(self) -> float:
        """The equation's tolerance, whatever the task's own is."""
        return self._stated or self.tolerance or 0.0

    def fit(self, forward: Forward) -> Fit:
        """How well the network `forward` solves the equation, and fits the measurements that the task has."""
        equation = self.at(self.coefficients)
        parts = [(equation, equation.fresh(_FIT_SEED))]
        if self._measurements:
            measured = self.with_measurements(physics=False)
            parts.append((measured, measured.everything()))
        with untouched():
            found = [float(task.loss(forward, batch).detach().sqrt()) for task, batch in parts]
        return Fit(*found, *[0.0] * (2 - len(found)))

    @property
    def warm_up(self) -> int:
        return self.equation.warm_up

    def easier(self) -> list[Self]:
        """The easy coefficients up to each horizon, the way from there, and the equation itself window by window."""
        equation = self.equation
        easy = equation.at(equation.easy, base=self.coefficients)
        begin, *way = [self.at(each) for each in equation.space.path(easy, self.coefficients, _STRIDE)]
        early = [begin._but(horizon=share) for share in equation.horizons]
        causal = [self._but(windows=equation.windows) for _ in range(equation.windows - 1)]
        easier = [*early, *([begin, *way[:-1]] if way else []), *causal]
        for each in easier:
            each.tolerance = _NEARLY * self.accuracy
        return easier

    def again(self) -> list[Self]:
        """The same equation on points drawn by the residual of the network that has been reached."""
        return [self._but(draws=i + 1) for i in range(self.equation.adaptive)]

    def seen_by(self, forward: Forward) -> Self:
        """With points, or weights of its windows, that are chosen by the residual of the network `forward`."""
        other = copy.copy(self)
        if self._draws:
            other._training = self._draw(self.equation.points, self._draws, lambda _: self._worst_points(forward))
        if self._windows > 1:
            other._window_weights = self._causal_weights(forward)
        return other

    def at(self, c: Coefficients) -> Self:
        """The same equation at other coefficients, without measurements."""
        return type(self)(self.equation, c).to(self.dtype, self.device)

    def _but(self, horizon: float = 1.0, windows: int = 1, draws: int = 0) -> Self:
        """The same task as one stage of a cold start, its points not drawn yet."""
        other = copy.copy(self)
        other._horizon, other._windows, other._draws = horizon, windows, draws
        other._training, other._fresh = None, {}
        if horizon < 1:
            other._measurements = ()  # they lie anywhere in time
        return other

    def _worst_points(self, forward: Forward) -> np.ndarray:
        """As many points of the domain as ever, drawn by the residual of `forward`."""
        points, seed = self.equation.points, _CANDIDATES_SEED + self._draws
        dense = self._draw(replace(points, domain=_CANDIDATES * points.domain, distribution="pseudo"), seed)
        sizes, x = self._sizes(forward, dense)
        return x[residual_choice(sizes.sqrt().cpu().numpy(), points.domain, seed)].cpu().numpy()

    def _causal_weights(self, forward: Forward) -> Tensor:
        sizes, x = self._sizes(forward, self.everything())
        return causal_weights(sizes / self.accuracy**2, self._window(x), self._windows)

    def _window(self, x: Tensor) -> Tensor:
        """In which window of the time interval each row of `x` lies."""
        low, high = (end[-1] for end in bounding_box(with_time(self.equation.geometry(self.coefficients))))
        return ((x[:, -1] - low) / (high - low) * self._windows).long().clamp(0, self._windows - 1)

    def _sizes(self, forward: Forward, batch: Collocation) -> tuple[Tensor, Tensor]:
        """Squared residuals of the equations, summed, at those of the batch's points where they must hold."""
        blocks = self.residuals(forward, batch)
        equations, rows = blocks[: len(blocks) - len(batch.counts)], blocks[0].rows
        assert rows is not None
        return torch.stack([each.values.detach() ** 2 for each in equations]).sum(0), batch.x[rows[:, 0]]

    def everything(self) -> Collocation:
        """The training points: the same ones for every coefficient, so that neighbouring targets stay comparable."""
        if self._training is None:
            place = self.equation.place
            self._training = self._draw(self.equation.points, 0, lambda x: place(x, self.coefficients))
        return self._training

    def drawn_anew(self, seed: int) -> Self:
        """The same task on other training points inside the domain, drawn at random."""
        equation, c, other = self.equation, self.coefficients, copy.copy(self)
        geometry = until(equation.geometry(c), self._horizon)

        def others(x: np.ndarray) -> np.ndarray:
            with untouched(seed):
                return equation.place(domain_points(geometry, len(x), "pseudo"), c)

        other._training = self._draw(equation.points, 0, others)
        return other

    def fresh(self, seed: int) -> Collocation:
        """As many points again, drawn evenly at random."""
        if seed not in self._fresh:
            self._fresh[seed] = self._draw(replace(self.equation.points, distribution="pseudo"), seed)
        return self._fresh[seed]

    def validation(self, forward: Forward) -> Tensor:
        """The loss on points that neither training nor the check of the tolerance sees."""
        return self.loss(forward, self.fresh(_VALIDATION_SEED))

    @property
    def size(self) -> int:
        points = self.equation.points
        measured = sum(len(each) for each in self._measurements)
        return measured + (points.domain + points.boundary + points.initial if self._physics else 0)

    def few(self, count: int) -> Collocation | None:
        points = self.equation.points
        return self._draw(replace(points, domain=min(count, points.domain), distribution="pseudo"), 0)

    def conditions(self) -> list[Any]:
        """DeepXDE's conditions, newly made: they remember values by the identity of the points they were asked at."""
        equation, c = self.equation, self.coefficients
        with deepxde_defaults(self.dtype, self.device):
            found = list(equation.conditions(until(equation.geometry(c), self._horizon), c)) if self._physics else []
        return found + self._observed()

    def _observed(self) -> list[Observed]:
        weight = self.accuracy**2 if self._physics else 1.0
        return observed(self._measurements, self.equation.outputs, weight)

    def inputs(self, batch: Collocation) -> Tensor:
        return self.equation.features(batch.x, self.coefficients)

    def residuals(self, forward: Forward, batch: Collocation) -> list[Block]:
        """One block for each equation, in units of its scale, then one for each condition.

        Raises:
            ResidualError: if a residual or the solution has the wrong shape, or a condition has no points.
        """
        with deepxde_defaults(self.dtype, self.device):
            outputs = outputs_of(self.equation, self.coefficients, forward)
            if not self._physics:
                return measured_blocks(self.equation, self.coefficients, outputs, batch)
            blocks = residual_blocks(self.equation, self.coefficients, self.scale, outputs, batch)
        if self._window_weights is None:
            return blocks
        share, equations = self._window_weights.sqrt(), len(blocks) - len(batch.counts)
        rows = blocks[0].rows
        assert rows is not None
        weight = share[self._window(batch.x[rows[:, 0]])]
        return [replace(each, values=each.values * weight) for each in blocks[:equations]] + blocks[equations:]

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
            outputs = outputs_of(self.equation, self.coefficients, forward)
            values = solution(self.equation, self.coefficients, outputs, points)
        return values.cpu().numpy()

    def reference_on_grid(self) -> tuple[np.ndarray, np.ndarray | None]:
        """A regular grid ``(rows, inputs)`` over the domain and the reference ``(rows, outputs)`` there, or None."""
        if self._reference is None:
            x = self.grid()
            with naming_user_code(self.equation.reference, f"the reference of {self.equation.name}"):
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

    def _draw(self, points: Points, seed: int, place: Callable[[np.ndarray], np.ndarray] = np.asarray) -> Collocation:
        equation, c = self.equation, self.coefficients
        if not self._physics:
            return self._measured()
        with untouched(seed), deepxde_defaults(self.dtype, torch.device("cpu")):
            geometry = until(equation.geometry(c), self._horizon)
            inside = place(domain_points(geometry, points.domain, points.distribution))
            data = deepxde_data(geometry, points, inside, self.conditions())
        return Collocation(self.tensor(data.train_x), data.train_x, [data.bcs], [int(n) for n in data.num_bcs])

    def _measured(self) -> Collocation:
        """The points of the measurements, and no others."""
        conditions = self.conditions()
        points = np.concatenate([each.points for each in conditions])
        return Collocation(self.tensor(points), points, [conditions], [len(each.points) for each in conditions])
