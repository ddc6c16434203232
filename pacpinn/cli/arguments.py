"""Read coefficients, points and measurements as users write them: ``nu=0.04,0.03``, or a CSV file."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pacpinn.errors import CoefficientError, PacpinnError


def named_values(texts: Sequence[str]) -> dict[str, list[str]]:
    """The values of each name, still as text: a problem's coefficients convert and check them later.

    Example:
        >>> named_values(["nu=0.04,0.03"])
        {'nu': ['0.04', '0.03']}
        >>> named_values(["mass=1,damping=0.5", "damping=1"])
        {'mass': ['1'], 'damping': ['0.5', '1']}
    """
    values: dict[str, list[str]] = {}
    for text in texts:
        name = ""
        for part in text.split(","):
            before, equals, after = part.partition("=")
            name = before.strip() if equals else name
            if not name:
                raise CoefficientError(f"{text!r} does not say which coefficient; expected name=value, such as nu=0.04")
            values.setdefault(name, []).append((after if equals else before).strip())
    return values


def single_values(texts: Sequence[str] | None) -> dict[str, str]:
    """As :func:`named_values`, with exactly one value for each name; nothing for an option that is not given."""
    values = named_values(texts or ())
    for name, several in values.items():
        if len(several) > 1:
            raise CoefficientError(f"{name} has {len(several)} values here ({', '.join(several)}); expected one")
    return {name: several[0] for name, several in values.items()}


def read_ranges(texts: Sequence[str] | None) -> dict[str, tuple[str, str]]:
    """The two ends of each coefficient's range, still as text.

    Example:
        >>> read_ranges(["nu=0.01:0.05"])
        {'nu': ('0.01', '0.05')}
    """
    ranges = {}
    for name, text in single_values(texts).items():
        low, colon, high = text.partition(":")
        if not colon:
            raise CoefficientError(f"{name}={text} is no range; expected {name}=LOW:HIGH, such as nu=0.01:0.05")
        ranges[name] = (low.strip(), high.strip())
    return ranges


def read_targets(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Targets: every combination of the named values, or one for each row of a CSV file.

    Example:
        >>> read_targets(["damping=0.5,1", "stiffness=4"])
        [{'damping': '0.5', 'stiffness': '4'}, {'damping': '1', 'stiffness': '4'}]
    """
    if any(text.endswith(".csv") for text in texts):
        if len(texts) > 1:
            raise CoefficientError(f"targets come from one CSV file or from names with values; got {', '.join(texts)}")
        return list(read_csv(Path(texts[0]))[1])
    values = named_values(texts)
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())]


def read_points(path: Path, inputs: Sequence[str]) -> list[list[float]]:
    """Points ``(rows, inputs)`` of a CSV file, from the columns that have the inputs' names."""
    return [[row[name] for name in inputs] for row in _read_rows(path, "points", inputs)]


def read_measurements(
    path: Path, inputs: Sequence[str], outputs: Sequence[str]
) -> tuple[list[list[float]], list[list[float]]]:
    """Points ``(rows, inputs)`` and values ``(rows, outputs)`` of a CSV file; NaN where an output was not measured."""
    rows = _read_rows(path, "measurements", inputs, outputs)
    points = [[row[name] for name in inputs] for row in rows]
    return points, [[row.get(name, math.nan) for name in outputs] for row in rows]


def _read_rows(path: Path, kind: str, inputs: Sequence[str], outputs: Sequence[str] = ()) -> list[dict[str, float]]:
    """The rows of a CSV file, at least one, with a column for every input and for at least one output, if any."""
    header, rows = read_csv(path, blank=outputs)
    lacking = [name for name in inputs if name not in header]
    if not lacking and not set(outputs) & set(header):
        lacking = list(outputs)
    if lacking:
        expected = ", ".join(inputs) + (f" and one at least of {', '.join(outputs)}" if outputs else "")
        raise PacpinnError(
            f"{path} has no column {' or '.join(lacking)}; expected a first line that names {expected}, "
            f"got {', '.join(header)}"
        )
    if not rows:
        raise PacpinnError(f"{path} holds no {kind}; expected one in each line after the first")
    return rows


def read_csv(path: Path, blank: Sequence[str] = ()) -> tuple[list[str], list[dict[str, float]]]:
    """Header and rows of a CSV file of finite numbers; in the columns named in `blank` an empty cell is NaN.

    Raises:
        PacpinnError: if the file cannot be read, or has no header, or a name twice; and, with the line's number, if a
            row has too many or too few values, or a value that is not a finite number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, line) for line in reader if line]
    except (OSError, ValueError, csv.Error) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise PacpinnError(f"{path} cannot be read ({reason}); expected a CSV file") from problem
    if not lines:
        raise PacpinnError(f"{path} is empty; expected a first line with names, then lines with numbers")
    header = [name.strip() for name in lines[0][1]]
    if len(set(header)) < len(header):
        raise PacpinnError(f"{path} names a column twice: {', '.join(header)}")
    return header, [_numbers(f"{path}, line {number}", header, line, blank) for number, line in lines[1:]]


def _numbers(where: str, header: list[str], line: list[str], blank: Sequence[str]) -> dict[str, float]:
    if len(line) != len(header):
        raise PacpinnError(f"{where}: {len(line)} values; expected {len(header)}, for {', '.join(header)}")
    return {name: _number(where, name, text, name in blank) for name, text in zip(header, line, strict=True)}


def _number(where: str, name: str, text: str, may_be_blank: bool) -> float:
    if may_be_blank and not text.strip():
        return math.nan
    try:
        number = float(text)
    except ValueError:
        raise PacpinnError(f"{where}: {name}={text!r} is not a number") from None
    if not math.isfinite(number):
        raise PacpinnError(f"{where}: {name}={text.strip()} is not finite; expected a finite number")
    return number
