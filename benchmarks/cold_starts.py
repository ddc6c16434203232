"""What helps a solve from scratch (a cold start)? Three equations that are hard from scratch, with one aid at a time.

Every start has the same network, points, tolerance and number of Levenberg-Marquardt steps, those of easier tasks
included. Networks and points are smaller than the problems' own, so that the whole table takes minutes: the figures
compare starts, not problems. Errors are relative L2 on a regular grid, against references that training never sees.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from statistics import mean
from typing import Any

from matplotlib.figure import Figure
from torch import Tensor

import pacpinn as pp
from as_measured import get_problem
from pacpinn.networks.objective import Objective
from pacpinn.transfer.from_scratch import cold_start
from report import Report, options

STARTS = {"allen_cahn": {"d": 0.001}, "advection": {"beta": 30.0}, "burgers": {"nu": 0.01 / math.pi}}
EASY = {"allen_cahn": {"d": 0.02}, "advection": {"beta": 2.0}, "burgers": {"nu": 0.05}}
PLAIN = "plain"
SEEDS = 2


def ways_of(name: str) -> dict[str, dict[str, Any]]:
    """The attributes of the problem that each start sets."""
    return {
        PLAIN: {},
        "warm_up": {"warm_up": 1000},
        "horizons": {"horizons": (0.25, 0.5, 0.75)},
        "windows": {"windows": 4},
        "adaptive": {"adaptive": 3},
        "easy": {"easy": EASY[name]},
    }


@dataclass
class Budget:
    """Levenberg-Marquardt with a limit on the steps over all tasks that a cold start solves."""

    left: int

    def __call__(self, objective: Objective, z: Tensor, report: Any) -> pp.Result:
        result = pp.LevenbergMarquardt(max_steps=self.left)(objective, z, report)
        self.left -= result.steps
        return result


def measure(report: Report, name: str, way: str, seed: int, steps: int) -> None:
    kind, alike = type(get_problem(name)), {"hidden": (16, 16, 16), "points": pp.Points(domain=640), "adaptive": 0}
    problem = type(kind.__name__, (kind,), {**alike, **ways_of(name)[way]})()
    task, budget = problem.task(**STARTS[name]), Budget(steps)
    solver = pp.InTurn([pp.Adam(steps=task.warm_up), budget]) if task.warm_up else budget
    began = time.perf_counter()
    masked, result = cold_start(problem.initial_network(seed), task, solver, seed)
    seconds = time.perf_counter() - began
    member = pp.Solution.of(task, masked, result, base=0, parent=None)
    report.add(
        problem=name,
        way=way,
        seed=seed,
        status=str(member.status),
        steps=steps - budget.left,
        seconds=seconds,
        residual=member.residual,
        tolerance=task.tolerance,
        error=member.score.value if member.score else None,
    )


def summarise(report: Report, name: str) -> list[dict[str, Any]]:
    def rows_of(way: str) -> list[dict[str, Any]]:
        return [row for row in report.rows if (row["problem"], row["way"]) == (name, way)]

    plain = mean(row["seconds"] for row in rows_of(PLAIN))
    return [
        {
            "way": way,
            "converged": f"{sum(row['status'] == 'converged' for row in rows)} of {len(rows)}",
            "steps": ", ".join(str(row["steps"]) for row in rows),
            "seconds": mean(row["seconds"] for row in rows),
            "of plain": mean(row["seconds"] for row in rows) / plain,
            "residual": ", ".join(f"{row['residual']:.1e}" for row in rows),
            "error": ", ".join(f"{row['error']:.1e}" for row in rows),
        }
        for way in ways_of(name)
        if (rows := rows_of(way))
    ]


def claims(report: Report, names: list[str]) -> None:
    for way in list(ways_of(names[0]))[1:]:
        better = [
            f"{row['problem']} seed {row['seed']}"
            for row in report.rows
            for plain in report.rows
            if row["way"] == way
            and plain["way"] == PLAIN
            and (row["problem"], row["seed"]) == (plain["problem"], plain["seed"])
            and row["residual"] <= 0.5 * plain["residual"]
        ]
        report.claim(f"{way} halves the residual on fresh points somewhere", "yes", "; ".join(better) or "no", better)


def figure(report: Report) -> Figure:
    """Residual on fresh points, in units of the tolerance, for each start: one panel per problem."""
    names = list(dict.fromkeys(row["problem"] for row in report.rows))
    shown = Figure(figsize=(3.4 * len(names), 3.2), layout="constrained")
    axes = shown.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for axis, name in zip(axes, names, strict=True):
        rows = [row for row in report.rows if row["problem"] == name]
        axis.semilogy([row["way"] for row in rows], [row["residual"] / row["tolerance"] for row in rows], ".")
        axis.axhline(1, color="grey", linewidth=0.8)
        axis.set_title(name)
        axis.tick_params(axis="x", rotation=60)
    axes[0].set_ylabel("residual / tolerance")
    return shown


def main() -> None:
    chosen = options(__doc__ or "", threads=1, parts=list(STARTS))
    report = Report("cold_starts", chosen.quick)
    report.keep(chosen.output, {"problem": chosen.only})
    for name in chosen.only:
        for seed in range(1 if chosen.quick else SEEDS):
            for way in ways_of(name):
                measure(report, name, way, seed, steps=5 if chosen.quick else 200)
    for name in dict.fromkeys(row["problem"] for row in report.rows):
        columns = ["way", "converged", "steps", "seconds", "of plain", "residual", "error"]
        report.table(name, columns, summarise(report, name))
    claims(report, chosen.only)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "cold_starts.png", dpi=150)


if __name__ == "__main__":
    main()
