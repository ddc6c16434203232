"""Named coefficients of a family of tasks: their declaration, and their values for one task."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pacpinn.errors import CoefficientError

_RELATIVE_TOLERANCE = 1e-9  # at which two values count as the same
_CELLS = 1e6  # of the index, for each e-fold of a value: far wider than the difference of equal values
_SMALLEST = 1e-290  # all smaller sizes are in one cell


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of a problem, declared as a class attribute.

    Args:
        default: its value in the default source task.
        low, high: the range in which the problem can be solved, both included and finite; positive on a log scale.
        scale: of distances between tasks: ``"log"`` if ratios matter, ``"linear"`` if differences do.
        doc: meaning and unit in a few words.

    Raises:
        CoefficientError: for another range, or a default outside it.

    Example:
        >>> nu = Coefficient(0.05, low=0.003, high=1.0, scale="log", doc="kinematic viscosity")
        >>> nu.check(0.1)
        0.1
    """

    default: float
    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"
    doc: str = ""
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf or not self.low <= self.default <= self.high:
            raise CoefficientError(f"a coefficient needs low <= default <= high and finite low < high; got {self}")
        if self.scale == "log" and self.low <= 0:
            raise CoefficientError(f"a coefficient on a log scale needs low > 0; got {self}")

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    def check(self, value: Any) -> float:
        """Return `value` as a float, or raise :class:`CoefficientError` naming coefficient, value and range."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise CoefficientError(f"{self.name}={value!r} is not a number; {self._expected()}") from None
        if not math.isfinite(number):
            raise CoefficientError(f"{self.name}={number} is not finite; {self._expected()}")
        if not self.low <= number <= self.high:
            raise CoefficientError(f"{self.name}={number:g} lies outside its range; {self._expected()}")
        return number

    def position(self, value: float) -> float:
        """Normalised place of `value` in the coefficient's own scale: 0 at `low`, 1 at `high`."""
        if self.scale == "log":
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def value_at(self, position: float) -> float:
        """Inverse of :meth:`position`."""
        if self.scale == "log":
            return self.low * (self.high / self.low) ** position
        return self.low + position * (self.high - self.low)

    def _expected(self) -> str:
        return f"expected {self.low:g} to {self.high:g}" + (f" ({self.doc})" if self.doc else "")


@dataclass(frozen=True)
class Count(Coefficient):
    """A coefficient whose values are whole numbers, such as a number of samples."""

    def check(self, value: Any) -> float:
        number = super().check(value)
        if number != round(number):
            raise CoefficientError(f"{self.name}={number:g} is not a whole number; {self._expected()}")
        return number

    def value_at(self, position: float) -> float:
        return float(round(super().value_at(position)))


class Coefficients(Mapping[str, float]):
    """The coefficient values of one task: an immutable, hashable mapping with attribute access.

    Example:
        >>> c = Coefficients(nu=0.05)
        >>> c.nu, c["nu"], str(c)
        (0.05, 0.05, 'nu=0.05')
    """

    several = False  # whether the values are columns, with the values of several tasks
    _values: dict[str, float]

    def __init__(self, **values: float) -> None:
        self.__dict__["_values"] = {name: float(value) for name, value in values.items()}

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> float:
        values: dict[str, float] = self.__dict__.get("_values", {})
        if name in values:
            return self[name]
        raise AttributeError(f"no coefficient {name!r}; there are: {', '.join(values)}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"coefficients cannot be changed; make new ones, as in Coefficients({name}={value})")

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __str__(self) -> str:
        return ",".join(f"{name}={value:.12g}" for name, value in self._values.items())

    def __repr__(self) -> str:
        return f"Coefficients({self})"

    def each(self) -> tuple[Coefficients, ...]:
        """The coefficients of each task, where the values are columns; else these alone."""
        return (self,)

    def close_to(self, other: Coefficients) -> bool:
        """Whether both have the same names and values, to a relative 1e-9."""
        return self.keys() == other.keys() and all(
            math.isclose(value, other[name], rel_tol=_RELATIVE_TOLERANCE, abs_tol=1e-300)
            for name, value in self.items()
        )


class CoefficientIndex:
    """Finds coefficients that are equal by :meth:`Coefficients.close_to` without comparing with all entries.

    A cell holds the entries whose values, sorted by name, have the same rounded logarithms of their sizes. Equal values
    lie in the same cell, or in neighbouring ones.
    """

    def __init__(self, entries: Iterable[Coefficients] = ()) -> None:
        self._count = 0
        self._cells: dict[tuple[int, ...], list[Coefficients]] = {}
        for c in entries:
            self.add(c)

    def __len__(self) -> int:
        return self._count

    def add(self, c: Coefficients) -> None:
        """Add an entry."""
        self._cells.setdefault(tuple(_cell(c[name]) for name in sorted(c)), []).append(c)
        self._count += 1

    def find(self, c: Coefficients) -> Coefficients | None:
        """An entry that is equal to `c`; None if there is none."""
        margins = (-2 * _RELATIVE_TOLERANCE, 2 * _RELATIVE_TOLERANCE)
        keys = itertools.product(*({_cell(c[name], margin) for margin in margins} for name in sorted(c)))
        return next((own for key in keys for own in self._cells.get(key, ()) if own.close_to(c)), None)


def _cell(value: float, margin: float = 0.0) -> int:
    return math.floor(_CELLS * (math.log(max(abs(value), _SMALLEST)) + margin))


def grid(**values: Iterable[float]) -> list[dict[str, float]]:
    """Every combination of the given coefficient values, the last name varying fastest.

    Example:
        >>> grid(mass=[1, 2], damping=[0.5])
        [{'mass': 1.0, 'damping': 0.5}, {'mass': 2.0, 'damping': 0.5}]
    """
    columns = [[float(value) for value in column] for column in values.values()]
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*columns)]
