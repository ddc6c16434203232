"""Sizes over a family: one function of the coefficients, fixed once for all members and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from pacpinn.equations.size_estimate import measure_sizes
from pacpinn.equations.sizes import Sizes, checked
from pacpinn.errors import PacpinnError
from pacpinn.tasks.coefficient import Coefficients

if TYPE_CHECKING:
    from pacpinn.equations.equation import Equation

_NODES = (0.0, 0.5, 1.0)  # of each coefficient's declared range, in its own scale

_REMEMBERED = 1000  # coefficients at most, of those asked for last

Line = tuple[np.ndarray, np.ndarray]  # normalised places (n,) of a coefficient, and vectors there (n, numbers)


class SizeRule:
    """Sizes as a function of the coefficients.

    They are measured at the source, and along each coefficient at the ends and in the middle of its declared range,
    when a target first differs in it. In between their logarithms, and the offsets, are interpolated linearly; the
    changes by several coefficients add up.

    Args:
        equation: the family.
        at_source: the sizes at its source, as numbers.
        lines: what was measured along coefficients, by name.
        blocks: names of the residual blocks.
    """

    def __init__(
        self, equation: Equation, at_source: np.ndarray, lines: Mapping[str, Line], blocks: Sequence[str]
    ) -> None:
        self.at_source, self.lines, self.blocks = at_source, dict(lines), tuple(blocks)
        self._counts = len(equation.inputs), len(equation.outputs)
        self._is_unit = not self.blocks
        self._known: dict[Coefficients, Sizes] = {}

    @classmethod
    def measured(cls, equation: Equation) -> Self:
        """The rule with the sizes at the equation's source."""
        checked(equation.sizes, equation.inputs, equation.outputs, equation.name)
        sizes = measure_sizes(equation, equation.source)
        return cls(equation, _vector(sizes), {}, sizes.names)

    @classmethod
    def unit(cls, equation: Equation) -> Self:
        """The rule of version 0.1: no sizes at all."""
        return cls(equation, _vector(Sizes.unit(len(equation.inputs), len(equation.outputs), 0)), {}, ())

    def at(self, equation: Equation, c: Coefficients) -> Sizes:
        """The sizes of the `equation`, whose rule this is, at coefficients `c`."""
        if c not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            source, vector = equation.source, self.at_source.copy()
            for name, each in equation.coefficients.items():
                if c[name] != source[name] and not self._is_unit:
                    if name not in self.lines:
                        self.lines[name] = self._line(equation, name)
                    places, vectors = self.lines[name]
                    here = each.position(c[name])
                    vector += [np.interp(here, places, column) for column in (vectors - self.at_source).T]
            self._known[c] = replace(_sizes(vector, *self._counts), names=self.blocks)
        return self._known[c]

    def _line(self, equation: Equation, name: str) -> Line:
        """What is measured along a coefficient. Where its formulas fail, as they may at an end, nothing is."""
        each, source = equation.coefficients[name], equation.source
        found = {each.position(source[name]): self.at_source}
        for place in _NODES:
            value = min(max(each.value_at(place), each.low), each.high)
            try:
                vector = _vector(measure_sizes(equation, equation.at({name: value})))
            except PacpinnError:
                continue
            if len(vector) == len(self.at_source) and np.isfinite(vector).all():
                found.setdefault(each.position(value), vector)
        places = sorted(found)
        return np.array(places), np.stack([found[place] for place in places])


def _vector(sizes: Sizes) -> np.ndarray:
    """Sizes as numbers that may be interpolated: what is positive as its logarithm."""
    half, *others = (each.log() for each in (sizes.half, sizes.size, sizes.variation, sizes.blocks))
    return torch.cat([sizes.centre, half, sizes.offset, *others]).numpy()


def _sizes(vector: np.ndarray, inputs: int, outputs: int) -> Sizes:
    """The inverse of :func:`_vector`."""
    counts = [inputs, inputs, outputs, outputs, outputs]
    parts = torch.as_tensor(vector).split([*counts, len(vector) - sum(counts)])
    centre, half, offset, *others = parts
    return Sizes(centre, half.exp(), offset, *(each.exp() for each in others))
