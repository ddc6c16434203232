"""A problem: a family of tasks indexed by named coefficients."""

from __future__ import annotations

import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from torch import nn

from pacpinn.errors import CoefficientError
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficient, Coefficients
from pacpinn.tasks.parameter_space import ParameterSpace
from pacpinn.tasks.task import Task


class Rung(NamedTuple):
    """A further try of a cold start.

    Attributes:
        name: for messages and tables.
        problem: changed for this try.
        seed: what is added to the network's seed.
        same_network: whether the network's architecture stays as it is.
        more_points: whether there are more training points.
    """

    name: str
    problem: Problem
    seed: int = 0
    same_network: bool = True
    more_points: bool = False


class Problem(ABC):
    """A family of tasks. Subclasses have :class:`Coefficient` attributes and define ``build`` and ``network``.

    Class attributes that a subclass may set:
        targets: coefficient values that are solved by default, as from :func:`pacpinn.grid`.
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

    @property
    def space(self) -> ParameterSpace:
        """The space of the coefficients: normalised places, distances, boxes, paths and grids."""
        return ParameterSpace(self.coefficients)

    if not TYPE_CHECKING:  # type checkers are to know the attributes

        def __getattr__(self, name: str) -> Any:
            """Methods of version 0.1, which are methods of :attr:`space` now; to go with version 0.3."""
            if name not in _METHODS_OF_0_1:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            warnings.warn(f"problem.{name} is a method of problem.space now", DeprecationWarning, stacklevel=2)
            return _METHODS_OF_0_1[name](self)

    def at(self, values: Mapping[str, Any], base: Coefficients | None = None) -> Coefficients:
        """Checked coefficients of one task: `values`, the others as in `base` (default: the source).

        Raises:
            CoefficientError: for an unknown name, a value that is not a finite number, or one outside its range.
        """
        for name in values:
            if name not in self.coefficients:
                known = ", ".join(self.coefficients)
                raise CoefficientError(f"{self.name} has no coefficient {name!r}; its coefficients are: {known}")
        merged = {**(base or self.source), **values}
        return Coefficients(**{name: each.check(merged[name]) for name, each in self.coefficients.items()})

    def broadcast(self, values: Mapping[str, Any], base: Coefficients) -> tuple[list[Coefficients], bool]:
        """Checked coefficients of several tasks, of numbers or arrays that broadcast; and whether arrays were given."""
        if all(np.ndim(value) == 0 for value in values.values()):
            return [self.at(values, base)], False
        try:
            arrays = np.broadcast_arrays(*(np.asarray(value) for value in values.values()))
        except ValueError:
            shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in values.items())
            raise CoefficientError(f"the coefficients' arrays do not match: {shapes}; expected one length") from None
        if not arrays[0].size:
            raise CoefficientError(f"no values given for {', '.join(values)}; expected at least one")
        rows = zip(*(each.ravel().tolist() for each in arrays), strict=True)
        return [self.at(dict(zip(values, row, strict=True)), base) for row in rows], True

    def checked_range(self, within: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[float, float]]:
        """The ends of each coefficient's range as numbers, checked as by :meth:`at`; no range is empty or reversed."""
        if not within:
            raise CoefficientError(
                f"no range given for {self.name}; expected one for at least one of: {', '.join(self.coefficients)}"
            )
        checked = {}
        for name, ends in within.items():
            low, high = (self.at({name: end})[name] for end in ends)
            if not low < high:
                raise CoefficientError(f"the range {name}={low:g}:{high:g} is empty; expected low < high")
            checked[name] = (low, high)
        return checked

    def task(self, **values: float) -> Task:
        """The task at these coefficients, checked as by :meth:`at`; those not given are at their defaults."""
        c = self.at(values)
        with untouched(seed=0):
            task = self.build(c)
        task.coefficients = c
        return task

    def initial_network(self, seed: int) -> nn.Module:
        """A fresh network, the same for the same seed."""
        with untouched(seed):
            return self.network(seed)

    def rungs(self) -> Iterable[Rung]:
        """Further tries of a cold start that misses its tolerance, from the cheapest on. None by default."""
        return ()

    def limits_accuracy(self, c: Coefficients) -> bool:
        """Whether what is stated at `c` keeps solutions from becoming accurate, whatever the effort. By default not."""
        return False

    @abstractmethod
    def build(self, c: Coefficients) -> Task:
        """The task at checked coefficients `c`."""

    @abstractmethod
    def network(self, seed: int) -> nn.Module:
        """A freshly initialised network of the family's architecture. The random streams are seeded before the call."""


_METHODS_OF_0_1: dict[str, Callable[[Problem], Any]] = {
    "distance": lambda problem: problem.space.distance,
    "between": lambda problem: problem.space.between,
    "beyond": lambda problem: problem.space.beyond,
    "positions": lambda problem: problem.space.places,
    "way": lambda problem: lambda easy, end, stride: problem.space.path(problem.at(easy, end), end, stride),
}
