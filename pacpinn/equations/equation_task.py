"""An equation at fixed coefficients: its points, its residuals on them, its error."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import Collocation, Points, deepxde_data, domain_points, random_points, regular_grid
from pacpinn.equations.curriculum import Place, Stage, chosen_by_residual, easier_tasks, of_equations
from pacpinn.equations.measurements import Fit, Measurements, Observed, expected_misfit, observed
from pacpinn.equations.residuals import Outputs, Residuals
from pacpinn.equations.sizes import Sizes
from pacpinn.equations.steep_points import steepest
from pacpinn.equations.vertices import without_vertices
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Block, Forward, LeastSquaresTask, Score

if TYPE_CHECKING:
    from pacpinn.equations.equation import Equation

_PENALTY_SHARE = 1e-10  # a penalty floors the accuracy: its part of the loss must stay far under that of the residual
_STEEP = 8  # points where the solution is steepest, in each set by which its error is estimated
_CANDIDATES, _CANDIDATES_SEED = 4096, 2000  # for these
CHOICE, _CHOICE_SEED = 10, 1000  # points for each that is chosen by the residual; before their draws' seeds
ERROR_SEEDS = 101, 102  # of the points by which errors are found, and judged
_ERROR_GRID = 2500  # points, about
_GRID_INPUTS = 3
_FIT_SEED, _VALIDATION_SEED = 1, 2  # of the points on which a fit, and settings, are judged


class EquationTask(LeastSquaresTask):
    """An equation of a family at fixed coefficients: DeepXDE's residuals, as vectors."""

    dtype = torch.float64
    stage = Stage()  # of a cold start, at which this is the task
    sizes: Sizes | None = None  # where they are not the equation's at the task's coefficients
    _measurements: tuple[Measurements, ...] = ()
    _physics = True  # whether the equation and its conditions are to hold
    _equation_tolerance: float | None = None  # where the task's own is another

    def __init__(self, equation: Equation, coefficients: Coefficients) -> None:
        self.equation, self.coefficients = equation, coefficients
        self.tolerance = equation.tolerance
        self._training: Collocation | None = None
        self._fresh: dict[tuple[int, int], Collocation] = {}  # by seed and least number
        self._reference: tuple[np.ndarray, np.ndarray | None] | None = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if vars(self).pop("scale", None) is not None:  # pickled by version 0.1, which had no sizes
            self.equation = self.equation.without_sizes()

    @cached_property
    def geometry(self) -> Any:
        """The equation's geometry at the task's coefficients."""
        return self.equation.geometry(self.coefficients)

    def to(self, dtype: torch.dtype | None = None, device: str | torch.device | None = None) -> Self:
        return super().to(dtype, device)._without_points()

    def at(self, c: Coefficients) -> Self:
        """The same equation at other coefficients, without measurements."""
        return type(self)(self.equation, c).to(self.dtype, self.device)

    @property
    def accuracy(self) -> float:
        """The equation's tolerance; that of a task with measurements differs from it."""
        return self._equation_tolerance or self.tolerance or 0.0

    @property
    def penalty(self) -> float:
        return _PENALTY_SHARE * (self.accuracy if self._physics else 1.0) ** 2

    @property
    def warm_up(self) -> int:
        return self.equation.warm_up

    def with_measurements(self, *measurements: Measurements, physics: bool = True) -> Self:
        """The same task with measurements as further residuals, or with measurements alone.

        A misfit of one standard deviation weighs as much as a residual of the equation's tolerance. The task is solved
        where the equation is and the misfit is as expected of noise: its mean square is at most the value that noise
        exceeds once in a thousand times. A task that stalls contradicts its measurements; :meth:`fit` tells how far.
        Without `physics` the equation and its conditions need not hold, and the task is solved where the mean square
        misfit is one (Morozov's discrepancy principle).

        Raises:
            MeasurementError: for measurements outside the problem's domain or without standard deviations.
        """
        equation = self.equation
        for each in measurements:
            each.require_fit(equation.name, equation.inputs, equation.outputs, self.geometry)
            each.conditions(equation.outputs)
        other = self._without_points()
        other._measurements, other._physics = (*self._measurements, *measurements), physics
        other._equation_tolerance = self.accuracy
        other.tolerance = self.accuracy * expected_misfit(other._measurements) if physics else 1.0
        return other

    def fit(self, forward: Forward) -> Fit:
        """How well the network `forward` solves the equation, and fits the measurements that the task has."""
        equation = self.at(self.coefficients)
        parts = [(equation, equation.fresh(_FIT_SEED))]
        if self._measurements:
            measured = self.with_measurements(physics=False)
            parts.append((measured, measured.everything()))
        with untouched():
            return Fit(*(float(task.loss(forward, batch).detach().sqrt()) for task, batch in parts))

    def easier(self) -> list[Self]:
        return easier_tasks(self, unit=self._equation_tolerance)

    def redrawn(self, forward: Forward, turn: int) -> Self | None:
        """With half of the points inside the domain where the residual is large, as often as the equation allows."""
        if turn > self.equation.adaptive:
            return None
        batch, count = self._choice(_CHOICE_SEED + turn)
        inside = chosen_by_residual(self._squared_residuals(forward, batch), count, seed=turn)
        return self.at_stage(self.stage.at_points(inside, seed=turn))

    def _choice(self, seed: int) -> tuple[Collocation, int]:
        """Evenly drawn points, and how many of them are to be training points inside the domain."""
        points = self.equation.points
        return self.draw(replace(points, domain=CHOICE * points.domain, distribution="pseudo"), seed), points.domain

    def seen_by(self, forward: Forward) -> Self:
        stage = self.stage.adapted(lambda: self._squared_residuals(forward, self.everything()))
        return self if stage is self.stage else self.at_stage(stage)

    def at_stage(self, stage: Stage) -> Self:
        """The same task at a stage of a cold start, on points of its own."""
        other = self._without_points()
        other.stage = stage
        return other

    def _squared_residuals(self, forward: Forward, batch: Collocation) -> tuple[Tensor, Tensor]:
        """Squared residuals ``(n,)``, summed over the equations, with their points ``(n, inputs)``."""
        blocks, x = of_equations(self.residuals(forward, batch), batch)
        return torch.stack([each.values.detach() ** 2 for each in blocks]).sum(0), x

    @property
    def size(self) -> int:
        points, measured = self.equation.points, sum(len(each) for each in self._measurements)
        return measured + (points.domain + points.boundary + points.initial if self._physics else 0)

    def everything(self) -> Collocation:
        """The training points: the same for every coefficient, so that neighbouring targets stay comparable."""
        if self._training is None:
            place = partial(self.stage.place, place=self._place)
            self._training = self.draw(self.equation.points, self.stage.seed, place)
        return self._training

    def drawn_anew(self, seed: int) -> Self:
        """The same task on other training points inside the domain, drawn at random."""
        other, domain = copy.copy(self), self._domain()
        other._training = self.draw(self.equation.points, 0, lambda x: self._place(random_points(domain, len(x), seed)))
        return other

    def _place(self, x: np.ndarray) -> np.ndarray:
        return self.equation.place(x, self.coefficients)

    def fresh(self, seed: int, least: int = 0) -> Collocation:
        """As many points again, drawn evenly at random; `least` inside the domain, at least."""
        if (seed, least) not in self._fresh:
            self._fresh[seed, least] = self._drawn_evenly(seed, least)
        return self._fresh[seed, least]

    def _drawn_evenly(self, seed: int, least: int) -> Collocation:
        points = self.equation.points
        return self.draw(replace(points, domain=max(points.domain, least), distribution="pseudo"), seed)

    @property
    def estimable(self) -> bool:  # an easier stage has a tolerance of its residual
        return self.stage.estimable and not self._measurements

    def error_points(self, forward: Forward, more: int, least: int) -> tuple[Collocation, Collocation]:
        """Random points, and some where the solution is steepest."""
        candidates = random_points(self._domain(), _CANDIDATES, _CANDIDATES_SEED)
        steep = steepest(partial(self.predict, forward), candidates, 2 * _STEEP)
        one, other = (self._drawn_with(steep[k::2], seed, more, least) for k, seed in enumerate(ERROR_SEEDS))
        return one, other

    def _drawn_with(self, chosen: np.ndarray, seed: int, more: int, least: int) -> Collocation:
        points = replace(self.equation.points.times(more), distribution="pseudo")
        points = replace(points, domain=max(points.domain, least))
        return self.draw(points, seed, lambda x: np.concatenate([x, chosen]))

    def error_grid(self) -> np.ndarray:
        """A regular grid; random points in more dimensions, where most of a grid's are on the boundary."""
        if (count := len(self.equation.inputs)) <= _GRID_INPUTS:
            return regular_grid(self._domain(), round(_ERROR_GRID ** (1 / count)))
        return random_points(self._domain(), _ERROR_GRID, _FIT_SEED)

    def yardstick(self, values: np.ndarray) -> np.ndarray:
        return self.equation.sizes_at(self.coefficients).yardstick(values)

    def few(self, count: int) -> Collocation | None:
        points = self.equation.points
        return self.draw(replace(points, domain=min(count, points.domain), distribution="pseudo"), 0)

    def draw(self, points: Points, seed: int, place: Place = np.asarray) -> Collocation:
        """Points drawn with `seed`, those inside the domain moved by `place`."""
        if not self._physics:
            return self._measured()
        with untouched(seed), deepxde_defaults(self.dtype, torch.device("cpu")):
            domain = self._domain()
            inside = place(domain_points(domain, points.domain, points.distribution))
            data = deepxde_data(domain, points, inside, self.conditions())
        counts = [int(n) for n in data.num_bcs]
        return without_vertices(Collocation(self.tensor(data.train_x), data.train_x, [data.bcs], counts))

    def grid(self, per_axis: int | None = None) -> np.ndarray:
        """Points of a regular grid ``(rows, inputs)`` that lie in the domain, its boundary included."""
        return regular_grid(self.geometry, per_axis)

    def _measured(self) -> Collocation:
        conditions = self.conditions()
        points = np.concatenate([each.points for each in conditions])
        return Collocation(self.tensor(points), points, [conditions], [len(each.points) for each in conditions])

    def _domain(self) -> Any:
        return self.stage.domain(self.geometry)

    def _without_points(self) -> Self:
        other = copy.copy(self)
        other._training, other._fresh = None, {}
        return other

    def conditions(self) -> list[Any]:
        """DeepXDE's conditions, newly made: they cache values by the identity of the points they are evaluated at."""
        with deepxde_defaults(self.dtype, self.device):
            stated = self.equation.conditions(self._domain(), self.coefficients) if self._physics else []
        return [*stated, *self._observed()]

    def _observed(self) -> list[Observed]:
        weight = self.accuracy**2 if self._physics else 1.0
        return observed(self._measurements, self.equation.outputs, weight)

    def _formulas(self) -> Residuals:
        return Residuals(self.equation, self.coefficients, self.sizes)

    def inputs(self, batch: Collocation) -> Tensor:
        return self.equation.features(batch.x, self.coefficients)

    def residuals(self, forward: Forward, batch: Collocation) -> list[Block]:
        """As :class:`Residuals` gives them, at the task's stage."""
        formulas = self._formulas()
        with deepxde_defaults(self.dtype, self.device):
            outputs = formulas.outputs_of(forward)
            if not self._physics:
                return formulas.measured_blocks(outputs, batch)
            blocks = formulas.sized(self.unsized_blocks(formulas, outputs, batch))
        return self.stage.weighted(blocks, batch)

    def unsized_blocks(self, formulas: Residuals, outputs: Outputs, batch: Collocation) -> list[Block]:
        """The residual blocks of the `formulas` in the equation's own units, at the task's coefficients."""
        return formulas.unsized_blocks(outputs, batch)

    def validation(self, forward: Forward) -> Tensor:
        """The loss on points that neither training nor the check of the tolerance sees."""
        return self.loss(forward, self.fresh(_VALIDATION_SEED))

    def predict(self, forward: Forward, x: np.ndarray) -> np.ndarray:
        formulas = self._formulas()
        with torch.no_grad(), deepxde_defaults(self.dtype, self.device):
            return formulas.solution(formulas.outputs_of(forward), self.tensor(x)).cpu().numpy()

    def score(self, forward: Forward) -> Score | None:
        """Error of the worst output against the reference on a regular grid, relative as estimates are, or None."""
        x, exact = self.reference_on_grid()
        if exact is None:
            return None
        relative = (self.predict(forward, x) - exact) / self.yardstick(exact)
        by_output = np.sqrt(np.mean(np.square(relative), axis=0))
        return Score("relative error", float(by_output.max()))

    def reference_on_grid(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The points of :meth:`grid` and the reference ``(rows, outputs)`` there, or None."""
        if self._reference is None:
            formulas, x = self._formulas(), self.grid()
            with formulas.calling("reference"):
                exact = self.equation.reference(x, self.coefficients)
            if exact is not None:
                formulas.require_values("reference", exact, len(x), "reference")
                exact = np.asarray(exact, dtype=float)
            self._reference = x, exact
        return self._reference
