"""The online stage: any coefficient between the members, solved in their span."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.equations.equation import require_equation
from pacpinn.equations.residuals import solution
from pacpinn.errors import PacpinnError
from pacpinn.reduced_basis.derivative_tables import DerivativeTable, Function
from pacpinn.reduced_basis.gauss_newton import gauss_newton
from pacpinn.reduced_basis.hyper_reduction import select_rows
from pacpinn.reduced_basis.pod import PODBasis
from pacpinn.reduced_basis.rbf_interpolation import RBFInterpolation
from pacpinn.reduced_basis.reduced_residual import ReducedResidual
from pacpinn.reduced_basis.snapshots import Snapshots, spanning
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range
from pacpinn.tasks.problem import Problem

_SAMPLES = 64  # coefficients of a range at which all rows are solved beforehand
_AT_ONCE = 2**18  # rows times modes, or checked points, of a batch: two megabytes fit the caches
Kind = Literal["calibrated", "reduced basis"]


@dataclass(frozen=True)
class Answer:
    """The solution at one coefficient, by a member or in the span of all members.

    Attributes:
        coefficients: which task.
        kind: ``"calibrated"`` for a member of the family, else ``"reduced basis"``.
        residual: root mean square residual on points that no solve saw, in units of the equation's scale.
        error_estimate: of the relative L2 error, from the residual.
    """

    coefficients: Coefficients
    kind: Kind
    residual: float
    error_estimate: float
    _model: ReducedModel = field(repr=False)
    _weights: Tensor = field(repr=False)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The solution ``(rows, outputs)`` at points `x` ``(rows, inputs)``."""
        return self._model.predict([self], x)[0]


class _Sampled(NamedTuple):
    """Coordinates as functions of the coefficients: solved on few rows, and what all rows add to them."""

    few: RBFInterpolation
    lost: RBFInterpolation


class ReducedModel:
    """The equation reduced to the span of some members.

    Args:
        snapshots: the members, two at least.
        within: a range over which answers have been checked, which may reach beyond the members.
    """

    def __init__(self, snapshots: Snapshots, within: Range | None = None) -> None:
        self.snapshots, self.equation, self._within = snapshots, snapshots.equation, within or {}
        self.members = list(snapshots.members)
        self._x = snapshots.training.x
        self.training_table = DerivativeTable.joined([each.training for each in self.members])
        self.check_table = DerivativeTable.joined([each.check for each in self.members])
        self.span = PODBasis.of(self.training_table.values)

    def answer(self, cs: Sequence[Coefficients]) -> list[Answer]:
        """Members as they are, all other coefficients in the members' span."""
        known = {k: self._member_at(c) for k, c in enumerate(cs)}
        solved = iter(self.solve([cs[k] for k, member in known.items() if member is None]))
        return [next(solved) if member is None else self.member(member) for member in known.values()]

    def solve(self, cs: Sequence[Coefficients]) -> list[Answer]:
        """Solve for each coefficient: Gauss-Newton in the span, a check on points that it does not see."""
        answers: list[Answer] = []
        each = max(self.few.rows * self.span.coordinates.shape[1], self.checked.rows, 1)
        with untouched():
            for part in _parts(cs, max(1, _AT_ONCE // each)):
                b = self.coordinates(part)
                residuals, weights = self._residual(part, b), self.span.weights(b)
                answers += [
                    Answer(c, "reduced basis", residual, self.ratio * residual, self, own)
                    for c, residual, own in zip(part, residuals.tolist(), weights, strict=True)
                ]
        return answers

    def coordinates(self, cs: Sequence[Coefficients]) -> Tensor:
        """Coordinates ``(k, modes)`` that solve the equation at each coefficient: on few rows, set right for all."""
        found = gauss_newton(partial(self.few.linearise, cs), self.start(cs)).unknowns
        if self._sampled is None:
            return found
        return torch.where(self._in_range(cs), found + self._sampled.lost(cs), found)

    def start(self, cs: Sequence[Coefficients]) -> Tensor:
        """Coordinates interpolated ``(k, modes)``: between those of samples, or else between the members' own."""
        known = self.between_members(cs)
        return known if self._sampled is None else torch.where(self._in_range(cs), self._sampled.few(cs), known)

    def member(self, k: int) -> Answer:
        """A member as it is."""
        snapshot = self.members[k]
        weights = torch.zeros(len(self.members), dtype=self._x.dtype, device=self._x.device)
        weights[k] = 1
        residual = float(self._residual([snapshot.coefficients], self.span.coordinates[k : k + 1]))
        return Answer(snapshot.coefficients, "calibrated", residual, self.ratio * residual, self, weights)

    def predict(self, answers: Sequence[Answer], x: np.ndarray) -> np.ndarray:
        """Values ``(answers, rows, outputs)`` at points `x` ``(rows, inputs)``: members are evaluated once for all."""
        points = self._x.new_tensor(np.asarray(x))
        with torch.no_grad(), deepxde_defaults(points.dtype, points.device):
            values = torch.stack([each.function(points) for each in self.members], dim=-1)
            found = [
                solution(self.equation, answer.coefficients, given(values @ answer._weights), points)
                for answer in answers
            ]
        return torch.stack(found).numpy(force=True)

    @property
    def ends(self) -> Range:
        """Least and largest value of each coefficient that can be asked for."""
        listed = [each.coefficients for each in self.members]
        reached = {name: [*(c[name] for c in listed), *self._within.get(name, ())] for name in listed[0]}
        return {name: (min(values), max(values)) for name, values in reached.items()}

    @cached_property
    def all(self) -> ReducedResidual:
        """On all training points."""
        return self._on_training(self.span)

    @cached_property
    def few(self) -> ReducedResidual:
        """On few of them, chosen at the members."""
        cs = [each.coefficients for each in self.members]
        return self.all.at(select_rows(self.all, cs, self.span.coordinates))

    @cached_property
    def checked(self) -> ReducedResidual:
        """On the points of the check."""
        return self._on_check(self.span)

    @cached_property
    def ratio(self) -> float:
        """Error for each residual: the geometric mean over the members, each solved in the span of all others."""
        with untouched():
            ratios = [error / residual for error, residual in self.left_out() if residual > 0 and error > 0]
        return float(np.exp(np.mean(np.log(ratios)))) if ratios else 1.0

    def left_out(self) -> Iterator[tuple[float, float]]:
        """Error relative to the member, and residual, of each member as the span of all others has it."""
        return (self._as_others_have_it(k) for k in range(len(self.members)))

    def _as_others_have_it(self, k: int) -> tuple[float, float]:
        others = [i for i in range(len(self.members)) if i != k]
        span, c = self._span_of(others), self.members[k].coefficients
        nearest = min(others, key=lambda i: self.equation.space.distance(self.members[i].coefficients, c))
        training, check = self._on_training(span), self._on_check(span)
        b = gauss_newton(partial(training.linearise, [c]), span.coordinates[nearest : nearest + 1]).unknowns
        values, x = self.check_table.values, self.snapshots.check.x
        with torch.no_grad(), deepxde_defaults(x.dtype, x.device):
            both = given(values @ span.weights(b)[0]), given(values[..., k])
            found, own = (solution(self.equation, c, outputs, x) for outputs in both)
        return float((found - own).norm() / own.norm()), float(check.residuals([c], b).norm())

    def _member_at(self, c: Coefficients) -> int | None:
        """Which member has these coefficients, and is solved."""
        return next((k for k, each in enumerate(self.members) if each.solved and each.coefficients.close_to(c)), None)

    def _span_of(self, some: Sequence[int]) -> PODBasis:
        """The span of some members alone, as one of all: the others have no weight, nor coordinates."""
        own = PODBasis.of(self.training_table.values[..., some])
        mixing = own.mixing.new_zeros(len(self.members), own.mixing.shape[1])
        coordinates = own.coordinates.new_zeros(len(self.members), own.coordinates.shape[1])
        mixing[some], coordinates[some] = own.mixing, own.coordinates
        return PODBasis(mixing, coordinates)

    def _on_training(self, span: PODBasis) -> ReducedResidual:
        return ReducedResidual(self.equation, self.snapshots.training, self.training_table.combined(span.mixing))

    def _on_check(self, span: PODBasis) -> ReducedResidual:
        return ReducedResidual(self.equation, self.snapshots.check, self.check_table.combined(span.mixing))

    def _residual(self, cs: Sequence[Coefficients], b: Tensor) -> Tensor:
        return self.checked.residuals(cs, b).norm(dim=1)

    @cached_property
    def between_members(self) -> RBFInterpolation:
        """The members' own coordinates, interpolated."""
        varying = {name: (low, high) for name, (low, high) in self.ends.items() if low < high}
        cs = [each.coefficients for each in self.members]
        return RBFInterpolation(self.equation.space.box(varying), cs, self.span.coordinates)

    @cached_property
    def _sampled(self) -> _Sampled | None:
        """Solved over the range that has been checked; None without such."""
        if not self._within:
            return None
        box = self.equation.space.box(self._within)
        places = box.grid(max(2, round(_SAMPLES ** (1 / len(self._within)))))
        cs = box.at(places, self.members[0].coefficients)
        full = self._solved(self.all, cs, self.between_members(cs))
        few = self._solved(self.few, cs, full)
        return _Sampled(*(RBFInterpolation(box, cs, each) for each in (few, full - few)))

    def _solved(self, reduced: ReducedResidual, cs: Sequence[Coefficients], start: Tensor) -> Tensor:
        size = max(1, _AT_ONCE // max(1, reduced.rows * start.shape[1]))
        with untouched():
            parts = zip(_parts(cs, size), start.split(size), strict=True)
            return torch.cat([gauss_newton(partial(reduced.linearise, part), own).unknowns for part, own in parts])

    def _in_range(self, cs: Sequence[Coefficients]) -> Tensor:
        """Which of them lie in the range that has been checked: a column ``(k, 1)``."""
        ends = {name: (value, value) for name, value in self.members[0].coefficients.items()} | dict(self._within)
        inside = [all(low <= c[name] <= high for name, (low, high) in ends.items()) for c in cs]
        return torch.tensor(inside, device=self._x.device)[:, None]


def given(values: Tensor) -> Function:
    """Values at some points as a function that is asked there and nowhere else."""
    return lambda _: values


def _parts(cs: Sequence[Coefficients], size: int) -> Iterator[Sequence[Coefficients]]:
    for begin in range(0, len(cs), size):
        yield cs[begin : begin + size]


def reduced(
    problem: Problem, solutions: Iterable[Solution], bases: Sequence[Base], settings: Settings, within: Range | None
) -> ReducedModel:
    """The problem reduced to the span of those members that are solved, or nearly.

    Raises:
        PacpinnError: if the problem is no equation, or there are fewer than two such members.
    """
    equation, members = require_equation(problem), spanning(solutions)
    if len(members) < 2:
        raise PacpinnError(
            f"{problem.name} has {len(members)} solved member; expected two at least to answer what lies between them: "
            "family.extend([...]) solves more"
        )
    places = sorted((each.coefficients for each in members), key=lambda c: tuple(c.values()))
    snapshots = Snapshots(equation, places, settings)
    snapshots.add(members, bases)
    return ReducedModel(snapshots, within)
