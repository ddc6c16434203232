"""The parameter space of a problem: normalised places of coefficients, distances, boxes, paths and grids.

A normalised place is 0 at the lower end of a coefficient's range and 1 at the upper end, in the coefficient's scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pacpinn.tasks.coefficient import Coefficient, Coefficients

Range = Mapping[str, tuple[float, float]]  # the ends of each coefficient's range, as {"nu": (0.01, 0.05)}

_STEP = 1e-5  # of a coefficient's size, for a difference quotient: the error of a central one is of order _STEP²
_LEAST_SIZE = 1e-2  # of a coefficient's range: the smallest size that a value near zero counts as


class ParameterSpace:
    """A box with one axis for each coefficient, from the lower to the upper end of a range.

    Args:
        coefficients: declarations, by name.
        within: the ends of the range of each axis; coefficients not named here are no axes. By default all are axes,
            over their declared ranges.

    Example:
        >>> space = ParameterSpace({"nu": Coefficient(0.02, low=0.001, high=1.0, scale="log")}, {"nu": (0.01, 0.04)})
        >>> space.at(np.array([[0.0], [0.5], [1.0]]), base=Coefficients(nu=0.02))
        [Coefficients(nu=0.01), Coefficients(nu=0.02), Coefficients(nu=0.04)]
    """

    def __init__(self, coefficients: Mapping[str, Coefficient], within: Range | None = None) -> None:
        self.coefficients = coefficients
        self.within = {name: (each.low, each.high) for name, each in coefficients.items()} if within is None else within

    def box(self, within: Range) -> ParameterSpace:
        """The box whose axes are the coefficients named in `within`, over the ranges given there."""
        return ParameterSpace(self.coefficients, within)

    @cached_property
    def _axes(self) -> list[tuple[str, Coefficient, float, float]]:
        """Name and coefficient of each axis, with the places of the axis's ends in its declared range."""
        named = [(name, self.coefficients[name], *ends) for name, ends in self.within.items()]
        return [(name, each, each.position(low), each.position(high)) for name, each, low, high in named]

    def places(self, cs: Sequence[Coefficients]) -> np.ndarray:
        """Normalised places ``(k, axes)`` of coefficients: the inverse of :meth:`at`."""
        columns = [
            (np.array([each.position(c[name]) for c in cs], dtype=float) - begin) / (end - begin)
            for name, each, begin, end in self._axes
        ]
        return np.array(columns).T  # columns are contiguous in memory, for fast distances of thousands of places

    def at(self, places: np.ndarray, base: Coefficients) -> list[Coefficients]:
        """Coefficients at normalised `places` ``(k, axes)`` inside the box; all others as in `base`."""
        axes = zip(self.within.values(), np.transpose(places), self._values(places), strict=True)
        columns = [
            # Without rounding at the ends, which might leave the range.
            np.select([column == 0, column == 1], [low, high], np.clip(values, low, high)).tolist()
            for (low, high), column, values in axes
        ]
        return self._with(columns, base)

    def extrapolated(self, places: np.ndarray, base: Coefficients) -> list[Coefficients]:
        """Coefficients at any normalised `places` ``(k, axes)``, outside the box too: for differences at its ends."""
        return self._with(self._values(places), base)

    def _values(self, places: np.ndarray) -> list[list[float]]:
        return [
            [each.value_at(begin + place * (end - begin)) for place in column.tolist()]
            for (_, each, begin, end), column in zip(self._axes, np.transpose(places), strict=True)
        ]

    def _with(self, columns: Sequence[Sequence[float]], base: Coefficients) -> list[Coefficients]:
        rows = zip(*columns, strict=True)
        return [Coefficients(**{**base, **dict(zip(self.within, row, strict=True))}) for row in rows]

    def distance(self, a: Coefficients, b: Coefficients) -> float:
        """Euclidean distance of `a` and `b`, in normalised places of the declared ranges."""
        return sum(step**2 for step in self._steps(a, b)) ** 0.5

    def between(self, a: Coefficients, b: Coefficients, share: float = 0.5) -> Coefficients:
        """The coefficients at a `share` of the straight path, in normalised places, from `a` to `b`."""
        found = dict(a)
        for name, each, _, _ in self._axes:
            first, last = each.position(a[name]), each.position(b[name])
            found[name] = each.value_at(first + share * (last - first))
        return Coefficients(**found)

    def path(self, begin: Coefficients, end: Coefficients, stride: float) -> list[Coefficients]:
        """Coefficients from `begin` to `end`, both included, in equal steps that are no longer than `stride`."""
        strides = math.ceil(self.distance(begin, end) / stride)
        return [self.between(begin, end, i / strides) for i in range(strides)] + [end]

    def beyond(self, a: Coefficients, b: Coefficients, c: Coefficients) -> float:
        """Where `c` lies beyond `b` along the line from `a` to `b`, in units of the distance from `a` to `b`."""
        first, second = np.array(self._steps(a, b)), np.array(self._steps(b, c))
        return float(first @ second / (first @ first))

    def contains(self, c: Coefficients) -> bool:
        """Whether the coefficients that are axes lie in the box, its ends included."""
        return all(low <= c[name] <= high for name, (low, high) in self.within.items())

    def neighbours(self, c: Coefficients, name: str) -> tuple[Coefficients, Coefficients]:
        """Coefficients slightly below and above `c` in one, for differences: central, one-sided at the range's ends."""
        each = self.coefficients[name]
        step = _STEP * max(abs(c[name]), _LEAST_SIZE * (each.high - each.low))
        below, above = (min(max(c[name] + sign * step, each.low), each.high) for sign in (-1, 1))
        return Coefficients(**{**c, name: below}), Coefficients(**{**c, name: above})

    def grid(self, per_axis: int) -> np.ndarray:
        """Normalised places ``(per_axis ** axes, axes)`` of a regular grid with its corners, the last axis fastest."""
        axes = np.meshgrid(*[np.linspace(0, 1, per_axis)] * len(self.within), indexing="ij")
        return np.stack([each.ravel() for each in axes], axis=1)

    def columns(self, c: Mapping[str, Any], like: Tensor) -> list[Tensor]:
        """Normalised places as columns ``(rows, 1)``, differentiable by the coefficients: one for each axis.

        `c` are numbers or columns ``(rows, 1)``; `like` is a tensor with these rows, the dtype and the device wanted.
        """
        found = []
        for name, (low, high) in self.within.items():
            value = torch.as_tensor(c[name], dtype=like.dtype, device=like.device)
            if self.coefficients[name].scale == "log":
                place = torch.log(value / low) / math.log(high / low)
            else:
                place = (value - low) / (high - low)
            found.append(place.expand(len(like), 1))
        return found

    def _steps(self, a: Coefficients, b: Coefficients) -> list[float]:
        """From `a` to `b` along each axis, in normalised places of the declared ranges."""
        return [each.position(b[name]) - each.position(a[name]) for name, each, _, _ in self._axes]


def spanned(members: Iterable[Coefficients]) -> dict[str, tuple[float, float]]:
    """Smallest and largest value over the members of each coefficient that varies over them."""
    listed = list(members)
    ends = {name: (min(c[name] for c in listed), max(c[name] for c in listed)) for name in listed[0]}
    return {name: (low, high) for name, (low, high) in ends.items() if low < high}
