"""Shared by all benchmarks: options, the machine, claims, the table it prints and the JSON it writes."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

console = Console(width=120)


def options(
    description: str,
    threads: int = 2,
    parts: Sequence[str] = (),
    more: Callable[[argparse.ArgumentParser], None] | None = None,
) -> argparse.Namespace:
    """The command line of a benchmark: ``--output DIR``, ``--quick``, ``--threads N``. Sets torch's threads.

    A benchmark of several `parts` takes ``--only PART ...`` too: the rows of the others stay as they are in DIR. `more`
    adds options of its own.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"), help="where JSON and figure go")
    parser.add_argument(
        "--quick", action="store_true", help="a small version, to see that it runs; its figures mean nothing"
    )
    parser.add_argument("--threads", type=int, default=threads, help="torch's threads")
    if parts:
        parser.add_argument("--only", nargs="+", choices=parts, default=list(parts), help="parts to measure again")
    if more is not None:
        more(parser)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    return chosen


@dataclass(frozen=True)
class Claim:
    """One figure that was asked for, and the figure that was reached."""

    claim: str
    asked: str
    reached: str
    holds: bool


@dataclass
class Report:
    """Rows and claims of one benchmark run."""

    name: str
    quick: bool
    rows: list[dict[str, Any]] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)

    def add(self, **row: Any) -> None:
        """Keep a row and print it, so that a long run shows its progress."""
        self.rows.append(row)
        console.print("  ".join(f"{name}={brief(value)}" for name, value in row.items() if not isinstance(value, list)))

    def keep(self, directory: Path, measured: dict[str, Sequence[Any]]) -> None:
        """Take over an earlier run's rows, except those measured again: with values in all ``{column: values}``."""
        path = directory / f"{self.name}.json"
        rows = json.loads(path.read_text())["rows"] if path.is_file() else []
        self.rows += [row for row in rows if any(row[column] not in values for column, values in measured.items())]

    def claim(self, claim: str, asked: str, reached: str, holds: bool) -> None:
        """State a claim, whether it holds or not."""
        self.claims.append(Claim(claim, asked, reached, bool(holds)))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
        """Print the named columns of some rows."""
        shown = Table(title=title, title_justify="left")
        for column in columns:
            shown.add_column(column)
        for row in rows:
            shown.add_row(*(brief(row.get(column)) for column in columns))
        console.print(shown)

    def write(self, directory: Path) -> None:
        """Print machine and claims, and write everything to ``directory/<name>.json``."""
        self.table("Claims", ["claim", "asked", "reached", "holds"], [asdict(each) for each in self.claims])
        console.print(", ".join(f"{name} {value}" for name, value in machine().items()))
        directory.mkdir(parents=True, exist_ok=True)
        content = {
            "benchmark": self.name,
            "quick": self.quick,
            "machine": machine(),
            "claims": [asdict(each) for each in self.claims],
            "rows": self.rows,
        }
        (directory / f"{self.name}.json").write_text(json.dumps(content, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """The machine on which the figures were measured."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("torch", "deepxde", "pacpinn")},
    }


def brief(value: Any) -> str:
    """A value as it is shown in a table."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "NO", None: "–"}[value]
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
