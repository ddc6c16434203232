"""The solve of the reduced problem: coordinates in the members' span at which the equation holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial

import numpy as np
import torch
from scipy.interpolate import RBFInterpolator
from torch import Tensor

from pacpinn.reduced_basis.gauss_newton import gauss_newton
from pacpinn.reduced_basis.hyper_reduction import select_rows
from pacpinn.reduced_basis.pod import PODBasis
from pacpinn.reduced_basis.reduced_residual import ReducedResidual
from pacpinn.reduced_basis.snapshots import Snapshots
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import ParameterSpace, Range

_SAMPLES = 64  # coefficients of a range at which the equation is solved on all rows beforehand
_AT_ONCE = 2**18  # numbers of a batch, such as rows times modes: two megabytes fit the caches
_SMOOTH = ("quintic", "cubic")  # the smoothest first; linear where coefficients are too few, or all lie on a line
_ACCURACY = 1e-8  # relative, at the given values: an interpolant that misses them comes from a nearly singular system


class ReducedSolver:
    """Gauss-Newton for the coordinates, on the rows that hyper-reduction selects.

    In the range over which answers have been checked, which may be empty, the coordinates are corrected by what all
    rows add to the selected ones, interpolated between samples. The `ends` are those of :class:`ReducedModel`; the
    members' own coordinates ``(members, modes)`` are `of_members`.
    """

    def __init__(self, snapshots: Snapshots, checked: Range) -> None:
        self.basis = PODBasis.of(snapshots.training_table.values)
        self._snapshots, self._checked, self._space = snapshots, checked, snapshots.equation.space
        self._members, self.of_members = snapshots.coefficients, self.basis.coordinates[snapshots.own]
        values = {name: [*(c[name] for c in self._members), *checked.get(name, ())] for name in self._members[0]}
        self.ends = {name: (min(each), max(each)) for name, each in values.items()}

    def coordinates(self, cs: Sequence[Coefficients]) -> Tensor:
        """Coordinates ``(k, modes)`` that solve the equation at each of the coefficients."""
        found = gauss_newton(partial(self.selected_rows.linearise, cs), self.start(cs)).unknowns
        if self._samples is None:
            return found
        _, correction = self._samples
        return torch.where(self._in_range(cs), found + correction(cs), found)

    def start(self, cs: Sequence[Coefficients]) -> Tensor:
        """Start values ``(k, modes)``: interpolated between samples in the checked range, else between members."""
        found = self.between_members(cs)
        return found if self._samples is None else torch.where(self._in_range(cs), self._samples[0](cs), found)

    @cached_property
    def all_rows(self) -> ReducedResidual:
        """The equation on all training points."""
        return self._snapshots.on_training(self.basis.modes)

    @cached_property
    def selected_rows(self) -> ReducedResidual:
        """The equation on the training points that hyper-reduction selects, from the members' residuals."""
        return self.all_rows.restricted(select_rows(self.all_rows, self._members, self.of_members))

    @cached_property
    def between_members(self) -> RBFInterpolation:
        """The members' own coordinates, interpolated over the coefficients."""
        varying = {name: (low, high) for name, (low, high) in self.ends.items() if low < high}
        return RBFInterpolation(self._space.box(varying), self._members, self.of_members)

    @cached_property
    def sampled(self) -> tuple[ParameterSpace, list[Coefficients]]:
        """A box, and samples in it: over the checked range, or else over that of the members."""
        varying = {name: (low, high) for name, (low, high) in self.ends.items() if low < high}
        box = self._space.box(self._checked or varying)
        places = box.grid(max(2, round(_SAMPLES ** (1 / len(box.within)))))
        return box, box.at(places, self._members[0])

    @cached_property
    def _samples(self) -> tuple[RBFInterpolation, RBFInterpolation] | None:
        """Coordinates from the selected rows over the checked range, and their correction to all rows, interpolated."""
        if not self._checked:
            return None
        box, cs = self.sampled
        full = self._solved(self.all_rows, cs, self.between_members(cs))
        selected = self._solved(self.selected_rows, cs, full)
        return RBFInterpolation(box, cs, selected), RBFInterpolation(box, cs, full - selected)

    def _solved(self, reduced: ReducedResidual, cs: Sequence[Coefficients], start: Tensor) -> Tensor:
        slices = batches(len(cs), reduced.points.rows * start.shape[1])
        with untouched():
            return torch.cat([gauss_newton(partial(reduced.linearise, cs[i]), start[i]).unknowns for i in slices])

    def _in_range(self, cs: Sequence[Coefficients]) -> Tensor:
        """Which of the coefficients lie in the checked range: a column ``(k, 1)``."""
        fixed = {name: (value, value) for name, value in self._members[0].items()}
        box = self._space.box(fixed | dict(self._checked))
        return torch.tensor([box.contains(c) for c in cs], device=self.basis.modes.device)[:, None]


def batches(count: int, numbers: int) -> Iterator[slice]:
    """Slices that split `count` problems into batches which fit the caches; a problem holds so many `numbers`."""
    size = max(1, _AT_ONCE // max(1, numbers))
    return (slice(begin, begin + size) for begin in range(0, count, size))


class RBFInterpolation:
    """A smooth function of the coefficients through given `values` ``(k, any)`` at `cs` (Wendland 2004, chapter 6).

    The axes of the box are the coefficients that vary; distances are measured in its normalised places.
    """

    def __init__(self, box: ParameterSpace, cs: Sequence[Coefficients], values: Tensor) -> None:
        self._box, self._like = box, values
        self._interpolator = _interpolator(box.places(cs), values.numpy(force=True))

    def __call__(self, cs: Sequence[Coefficients]) -> Tensor:
        """Values ``(k, any)`` at other coefficients."""
        return self._like.new_tensor(self._interpolator(self._box.places(cs)))


def _interpolator(places: np.ndarray, values: np.ndarray) -> RBFInterpolator:
    for kernel in _SMOOTH:
        try:
            found = RBFInterpolator(places, values, kernel=kernel)
        except (ValueError, np.linalg.LinAlgError):
            continue
        if np.abs(found(places) - values).max() <= _ACCURACY * np.abs(values).max():
            return found
    return RBFInterpolator(places, values, kernel="linear", degree=0)
