"""The solve of the reduced problem: coordinates in the members' span at which the equation holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import NamedTuple

import torch
from torch import Tensor

from pacpinn.reduced_basis.gauss_newton import gauss_newton
from pacpinn.reduced_basis.hyper_reduction import select_rows
from pacpinn.reduced_basis.pod import PODBasis
from pacpinn.reduced_basis.rbf_interpolation import RBFInterpolation
from pacpinn.reduced_basis.reduced_residual import Assembly, ReducedResidual
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range

_SAMPLES = 64  # coefficients of a range at which the equation is solved on all rows beforehand
_AT_ONCE = 2**18  # numbers of a batch, such as rows times modes: two megabytes fit the caches


class _Samples(NamedTuple):
    """Solutions over a range, interpolated: coordinates from the selected rows, and their correction to all rows."""

    selected: RBFInterpolation
    correction: RBFInterpolation


class ReducedSolver:
    """Gauss-Newton for the coordinates, on the rows that hyper-reduction selects.

    Args:
        assembly: the equation's residuals.
        basis: of the members' span.
        ends: least and largest value of each coefficient that can be asked for.
        checked: the range over which answers have been checked, which may be empty. In it the coordinates are
            corrected by what all rows add to the selected ones, interpolated between samples.
    """

    def __init__(self, assembly: Assembly, basis: PODBasis, ends: Range, checked: Range) -> None:
        self.assembly, self.basis, self._checked = assembly, basis, checked
        self._space = assembly.equation.space
        self._members = [each.coefficients for each in assembly.members]
        self._varying = {name: (low, high) for name, (low, high) in ends.items() if low < high}

    def coordinates(self, cs: Sequence[Coefficients]) -> Tensor:
        """Coordinates ``(k, modes)`` that solve the equation at each of the coefficients."""
        found = gauss_newton(partial(self.selected_rows.linearise, cs), self.start(cs)).unknowns
        if self._samples is None:
            return found
        return torch.where(self._in_range(cs), found + self._samples.correction(cs), found)

    def start(self, cs: Sequence[Coefficients]) -> Tensor:
        """Start values ``(k, modes)``: interpolated between samples in the checked range, else between members."""
        found = self.between_members(cs)
        return found if self._samples is None else torch.where(self._in_range(cs), self._samples.selected(cs), found)

    @cached_property
    def all_rows(self) -> ReducedResidual:
        """The equation on all training points."""
        return self.assembly.on_training(self.basis.modes)

    @cached_property
    def selected_rows(self) -> ReducedResidual:
        """The equation on the training points that hyper-reduction selects, from the members' residuals."""
        return self.all_rows.restricted(select_rows(self.all_rows, self._members, self.basis.coordinates))

    @cached_property
    def between_members(self) -> RBFInterpolation:
        """The members' own coordinates, interpolated over the coefficients."""
        return RBFInterpolation(self._space.box(self._varying), self._members, self.basis.coordinates)

    @cached_property
    def _samples(self) -> _Samples | None:
        """Solutions over the checked range; None without such a range."""
        if not self._checked:
            return None
        box = self._space.box(self._checked)
        places = box.grid(max(2, round(_SAMPLES ** (1 / len(self._checked)))))
        cs = box.at(places, self._members[0])
        full = self._solved(self.all_rows, cs, self.between_members(cs))
        selected = self._solved(self.selected_rows, cs, full)
        return _Samples(*(RBFInterpolation(box, cs, each) for each in (selected, full - selected)))

    def _solved(self, reduced: ReducedResidual, cs: Sequence[Coefficients], start: Tensor) -> Tensor:
        with untouched():
            return torch.cat(
                [
                    gauss_newton(partial(reduced.linearise, cs[batch]), start[batch]).unknowns
                    for batch in batches(len(cs), reduced.rows * start.shape[1])
                ]
            )

    def _in_range(self, cs: Sequence[Coefficients]) -> Tensor:
        """Which of the coefficients lie in the checked range: a column ``(k, 1)``."""
        fixed = {name: (value, value) for name, value in self._members[0].items()}
        box = self._space.box(fixed | dict(self._checked))
        return torch.tensor([box.contains(c) for c in cs], device=self.basis.modes.device)[:, None]


def batches(count: int, numbers: int) -> Iterator[slice]:
    """Slices that split `count` problems into batches which fit the caches; a problem holds so many `numbers`."""
    size = max(1, _AT_ONCE // max(1, numbers))
    return (slice(begin, begin + size) for begin in range(0, count, size))
