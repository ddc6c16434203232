"""Coefficients and points as a user writes them: ``nu=0.04,0.03`` on the command line, or a CSV file."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pacpinn.errors import CoefficientError, PacpinnError


def named_values(texts: Sequence[str]) -> dict[str, list[str]]:
    """Names with their values, as text still: the coefficient that knows the range is to judge them.

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


def single_values(texts: Sequence[str]) -> dict[str, str]:
    """As :func:`named_values`, one value each."""
    values = named_values(texts)
    for name, several in values.items():
        if len(several) > 1:
            raise CoefficientError(f"{name} has {len(several)} values here ({', '.join(several)}); expected one")
    return {name: several[0] for name, several in values.items()}


def read_ranges(texts: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Ends of ranges, as text still.

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
        header, rows = read_csv(Path(texts[0]))
        return [dict(zip(header, row, strict=True)) for row in rows]
    values = named_values(texts)
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())]


def read_points(path: Path, inputs: Sequence[str]) -> list[list[float]]:
    """Points ``(rows, inputs)`` from the columns of a CSV file that are named after the inputs."""
    header, rows = read_csv(path)
    missing = [name for name in inputs if name not in header]
    if missing:
        raise PacpinnError(
            f"{path} has no column {' or '.join(missing)}; expected a first line that names {', '.join(inputs)}, "
            f"got {', '.join(header)}"
        )
    if not rows:
        raise PacpinnError(f"{path} holds no points; expected one in each line after the first")
    columns = [header.index(name) for name in inputs]
    return [[row[i] for i in columns] for row in rows]


def read_measurements(
    path: Path, inputs: Sequence[str], outputs: Sequence[str]
) -> tuple[list[list[float]], list[list[float]]]:
    """Points ``(rows, inputs)`` and values ``(rows, outputs)`` of a CSV file; NaN where an output was not measured.

    Raises:
        PacpinnError: if a column for an input is missing, or there is none for any output.
    """
    header, rows = read_csv(path, blank=outputs)
    missing, measured = [name for name in inputs if name not in header], [name for name in outputs if name in header]
    if missing or not measured:
        lacking = " or ".join(missing or outputs)
        raise PacpinnError(
            f"{path} has no column {lacking}; expected a first line that names {', '.join(inputs)} and one at least of "
            f"{', '.join(outputs)}, got {', '.join(header)}"
        )
    if not rows:
        raise PacpinnError(f"{path} holds no measurements; expected one in each line after the first")
    table = [dict(zip(header, row, strict=True)) for row in rows]
    return [[row[name] for name in inputs] for row in table], [
        [row.get(name, math.nan) for name in outputs] for row in table
    ]


def read_csv(path: Path, blank: Sequence[str] = ()) -> tuple[list[str], list[list[float]]]:
    """Header and rows of a CSV file of finite numbers; in columns named in `blank` empty cells are NaN.

    Raises:
        PacpinnError: naming the line, if a row has too many or too few values, or one that is no finite number.
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


def _numbers(where: str, header: list[str], line: list[str], blank: Sequence[str]) -> list[float]:
    if len(line) != len(header):
        raise PacpinnError(f"{where}: {len(line)} values; expected {len(header)}, for {', '.join(header)}")
    numbers = []
    for name, text in zip(header, line, strict=True):
        if name in blank and not text.strip():
            numbers.append(math.nan)
            continue
        try:
            numbers.append(float(text))
        except ValueError:
            raise PacpinnError(f"{where}: {name}={text!r} is not a number") from None
        if not math.isfinite(numbers[-1]):
            raise PacpinnError(f"{where}: {name}={text.strip()} is not finite; expected a finite number")
    return numbers
