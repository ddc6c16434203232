"""What does it cost to write every member to disk when it is solved?

The seconds within ``Journal.add`` against the seconds of the solves, on the library's cheapest targets and on Burgers.

    python benchmarks/writing_down.py --output benchmarks/results
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
from matplotlib.figure import Figure

import pacpinn as pp
from pacpinn.family.file.journal import Journal
from report import Report, options

TARGETS = {
    "oscillator": pp.grid(damping=np.linspace(0.5, 1.5, 10), stiffness=np.linspace(3.5, 4.5, 20)),
    "burgers": pp.grid(nu=np.geomspace(0.045, 0.02, 30)),
}


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """The seconds of each call of :meth:`Journal.add` in the block."""
    seconds: list[float] = []
    add = Journal.add

    def timed(*arguments: Any) -> None:
        began = time.perf_counter()
        add(*arguments)
        seconds.append(time.perf_counter() - began)

    with patch.object(Journal, "add", timed):
        yield seconds


def measure(report: Report, problem: str, seed: int, targets: list[dict[str, float]]) -> None:
    with TemporaryDirectory() as folder, stopwatch() as seconds:
        family = pp.solve_family(problem, targets=targets, seed=seed, save=Path(folder) / "family.pac")
    solving = [each.seconds for each in family.targets]
    report.add(
        problem=problem,
        seed=seed,
        targets=len(targets),
        **{"solving ms": 1e3 * median(solving), "writing ms": 1e3 * median(seconds)},
        share=sum(seconds) / sum(solving),
    )


def claims(report: Report) -> None:
    for problem in TARGETS:
        shares = [row["share"] for row in report.rows if row["problem"] == problem]
        report.claim(
            f"{problem}: writing down, share of the solves, median of {len(shares)} seeds (worst)",
            "< 2 %",
            f"{median(shares):.1%} ({max(shares):.1%})",
            median(shares) < 0.02,
        )


def figure(report: Report) -> Figure:
    shown = Figure(figsize=(5, 3), layout="constrained")
    axes = shown.subplots()
    for k, problem in enumerate(TARGETS):
        shares = [100 * row["share"] for row in report.rows if row["problem"] == problem]
        axes.scatter([k] * len(shares), shares)
    axes.axhline(2, color="gray", linestyle="--", label="asked for")
    axes.set_xticks(range(len(TARGETS)), list(TARGETS))
    axes.set_ylabel("writing down, % of the solves")
    axes.set_ylim(bottom=0)
    axes.legend()
    return shown


def main() -> None:
    chosen = options(__doc__ or "", threads=1)
    report = Report("writing_down", chosen.quick)
    for problem, targets in TARGETS.items():
        for seed in range(1 if chosen.quick else 5):
            measure(report, problem, seed, targets[:10] if chosen.quick else targets)
    claims(report)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "writing_down.png", dpi=150)


if __name__ == "__main__":
    main()
