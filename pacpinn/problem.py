"""A problem: a family of tasks indexed by named coefficients."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from torch import nn

from pacpinn.coefficient import Coefficient, Coefficients
from pacpinn.errors import CoefficientError
from pacpinn.isolation import untouched
from pacpinn.task import Task


class Problem(ABC):
    """A family of tasks. Subclasses declare :class:`Coefficient` attributes, ``build`` and ``network``.

    Class attributes that a subclass may set:
        targets: coefficient values solved by default, as from :func:`pacpinn.grid`.
        inputs, outputs: names of the network's inputs and outputs, for tables and figures.
    """

    coefficients: ClassVar[dict[str, Coefficient]] = {}
    targets: ClassVar[Sequence[Mapping[str, float]]] = ()
    inputs: ClassVar[Sequence[str]] = ()
    outputs: ClassVar[Sequence[str]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Coefficient)}
        inherited = {name: each for name, each in cls.coefficients.items() if name not in vars(cls)}
        cls.coefficients = {**inherited, **own}

    @property
    def name(self) -> str:
        """The class's name in snake case: ``HeatEquation`` is ``heat_equation``, ``Heat2D`` is ``heat_2d``."""
        return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Z][a-z])", "_", type(self).__name__).lower()

    @property
    def source(self) -> Coefficients:
        """The default source: every coefficient at its default."""
        return Coefficients(**{name: each.default for name, each in self.coefficients.items()})

    def at(self, values: Mapping[str, Any], base: Coefficients | None = None) -> Coefficients:
        """Checked coefficients of one task; what `values` leaves out is taken from `base` (default: the source).

        Raises:
            CoefficientError: for an unknown name, a value that is no finite number or lies outside its range.
        """
        for name in values:
            if name not in self.coefficients:
                known = ", ".join(self.coefficients)
                raise CoefficientError(f"{self.name} has no coefficient {name!r}; its coefficients are: {known}")
        merged = {**(base or self.source), **values}
        return Coefficients(**{name: each.check(merged[name]) for name, each in self.coefficients.items()})

    def task(self, **values: float) -> Task:
        """The task at these coefficients; those not named stay at their defaults.

        Raises:
            CoefficientError: as :meth:`at`.
        """
        c = self.at(values)
        with untouched(seed=0):
            task = self.build(c)
        task.coefficients = c
        return task

    def initial_network(self, seed: int) -> nn.Module:
        """A fresh network, the same one for the same seed, whichever random stream it draws from."""
        with untouched(seed):
            return self.network(seed)

    def distance(self, a: Coefficients, b: Coefficients) -> float:
        """Distance of two tasks, each coefficient measured in its own scale and range."""
        return (
            sum((each.position(a[name]) - each.position(b[name])) ** 2 for name, each in self.coefficients.items())
            ** 0.5
        )

    def positions(self, cs: Sequence[Coefficients]) -> np.ndarray:
        """Where tasks lie, each coefficient in its own scale and range, shape ``(tasks, coefficients)``."""
        columns = [[each.position(c[name]) for c in cs] for name, each in self.coefficients.items()]
        return np.array(columns, dtype=float).T  # each coefficient's lie together: distances of thousands are quick

    def between(self, a: Coefficients, b: Coefficients, share: float = 0.5) -> Coefficients:
        """The coefficients at a `share` of the way from `a` to `b`, each in its own scale."""

        def value(each: Coefficient) -> float:
            begin, end = each.position(a[each.name]), each.position(b[each.name])
            return each.value_at(begin + share * (end - begin))

        return Coefficients(**{name: value(each) for name, each in self.coefficients.items()})

    def way(self, easy: Mapping[str, float], end: Coefficients, stride: float) -> list[Coefficients]:
        """From `end` with `easy` values in it to `end` itself, in equal strides of no more than `stride`."""
        begin = self.at(easy, base=end)
        strides = math.ceil(self.distance(begin, end) / stride)
        return [self.between(begin, end, i / strides) for i in range(strides)] + [end]

    def beyond(self, a: Coefficients, b: Coefficients, c: Coefficients) -> float:
        """How far `c` lies beyond `b`, seen from `a`, in lengths of the way from `a` to `b`."""

        def way(begin: Coefficients, end: Coefficients) -> np.ndarray:
            return np.array(
                [each.position(end[name]) - each.position(begin[name]) for name, each in self.coefficients.items()]
            )

        return float(way(a, b) @ way(b, c) / (way(a, b) @ way(a, b)))

    @abstractmethod
    def build(self, c: Coefficients) -> Task:
        """The task at checked coefficients `c`."""

    @abstractmethod
    def network(self, seed: int) -> nn.Module:
        """A freshly initialised network of the family's architecture. Torch's random stream is seeded already."""
