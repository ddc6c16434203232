"""From how many targets on does a family pay? Cumulative seconds over the number of targets, for PAC and baselines.

The targets are viscosities of Burgers' equation from 0.05 to 0.01: the more targets, the shorter the steps. PAC and
fine-tuning are measured as one family for each number of targets, source and allocation included. The parametric
network is trained once for the whole range. From scratch and with a classical solver the cost of a target does not
depend on the others: a few targets are measured, and their mean is multiplied. Between measured numbers of targets
seconds are interpolated. DeepXDE's own example is taken from `versus_deepxde.json`, measured on another machine.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import classical
import pacpinn as pp
from as_measured import get_problem
from report import Report, options

PAC, TUNING, PARAMETRIC, SCRATCH, CLASSICAL = "pac", "fine-tuning", "parametric", "from-scratch", "classical"
DEEPXDE = "DeepXDE's example, on another machine"
COUNTS = (1, 2, 4, 8, 16, 32, 64)
FEW = 4  # targets, spread over the range, that represent all


def targets_of(count: int) -> list[dict[str, float]]:
    """As many viscosities, evenly spaced in the logarithm, down to 0.01."""
    return [dict(each) for each in pp.grid(nu=np.geomspace(0.05, 0.01, count + 1)[1:])]


def along_the_path(report: Report, method: str, seed: int, counts: tuple[int, ...], settings: dict[str, Any]) -> None:
    """Families of several sizes; their source is the same and is solved once."""
    first = pp.solve_family(get_problem("burgers"), targets=targets_of(1), method=method, seed=seed, **settings)
    for count in counts:
        family = pp.Family(first.problem, first.bases[:1], [first.source], first.settings)
        family.extend(targets_of(count))
        seconds = family.source.seconds + sum(member.seconds for member in family.targets)
        add(report, method, seed, count, seconds, family.targets)


def once(report: Report, seed: int, counts: tuple[int, ...], settings: dict[str, Any]) -> None:
    """The parametric network: its cost does not depend on the number of targets."""
    family = pp.solve_family(
        get_problem("burgers"), targets=targets_of(counts[-1]), method=PARAMETRIC, seed=seed, **settings
    )
    for count in (1, counts[-1]):
        add(report, PARAMETRIC, seed, count, family.source.seconds, family.targets)


def each_alone(report: Report, seed: int, counts: tuple[int, ...], settings: dict[str, Any]) -> None:
    """From scratch: the mean of a few targets, times the number of targets."""
    family = pp.solve_family(get_problem("burgers"), targets=targets_of(FEW), method=SCRATCH, seed=seed, **settings)
    for count in (1, counts[-1]):
        add(report, SCRATCH, seed, count, count * mean(member.seconds for member in family.targets), family.targets)


def add(report: Report, way: str, seed: int, count: int, seconds: float, measured: list[pp.Solution]) -> None:
    errors = [member.score.value for member in measured if member.score]
    report.add(
        way=way,
        seed=seed,
        targets=count,
        seconds=seconds,
        measured=len(measured),
        converged=sum(member.status is pp.Status.CONVERGED for member in measured),
        error=median(errors),
        worst=max(errors),
    )


def classically(report: Report, counts: tuple[int, ...]) -> None:
    """The classical solver, at the resolution whose median error is nearest to PAC's."""
    targets = targets_of(2 * FEW)
    classical.solve("burgers", targets[0], classical.RESOLUTIONS[0])  # the first call loads SciPy's libraries
    runs = {
        resolution: [classical.solve("burgers", each, resolution) for each in targets]
        for resolution in classical.RESOLUTIONS
    }
    error = median(row["error"] for row in rows_of(report, PAC))
    nearest = min(runs, key=lambda resolution: abs(np.log(median(e for _, e in runs[resolution]) / error)))
    for count in (1, counts[-1]):
        report.add(
            way=CLASSICAL,
            seed=0,
            targets=count,
            seconds=count * mean(seconds for seconds, _ in runs[nearest]),
            measured=len(targets),
            converged=len(targets),
            error=median(e for _, e in runs[nearest]),
            worst=max(e for _, e in runs[nearest]),
            resolution=nearest,
        )


def by_deepxde(report: Report, counts: tuple[int, ...]) -> None:
    """DeepXDE's own example in its default precision: measured by `versus_deepxde.py`."""
    content = json.loads((Path(__file__).parent / "results" / "versus_deepxde.json").read_text())
    runs = [each for each in content["rows"] if (each["way"], each["dtype"]) == ("DeepXDE from scratch", "float32")]
    for count in (1, counts[-1]):
        report.add(
            way=DEEPXDE,
            seed=0,
            targets=count,
            seconds=count * median(each["seconds"] for each in runs),
            measured=len(runs),
            converged=None,
            error=median(each["error"] for each in runs),
            worst=max(each["error"] for each in runs),
            machine=content["machine"]["processor"],
        )


def rows_of(report: Report, way: str) -> list[dict[str, Any]]:
    return [row for row in report.rows if row["way"] == way]


def cumulated(rows: list[dict[str, Any]], numbers: np.ndarray) -> np.ndarray:
    """Cumulative seconds: means over the seeds, interpolated linearly between measured numbers of targets."""
    counts = sorted({row["targets"] for row in rows})
    seconds = [mean(row["seconds"] for row in rows if row["targets"] == count) for count in counts]
    return np.interp(numbers, counts, seconds)


def cheaper(ours: np.ndarray, theirs: np.ndarray) -> str:
    """The numbers of targets 1, 2, … for which PAC takes less time: a first and a last number, or a first one alone."""
    where = 1 + np.flatnonzero(ours < theirs)
    if not len(where):
        return "never"
    return f"from {where[0]}" if where[-1] == len(ours) else f"from {where[0]} to {where[-1]}"


def summarise(report: Report) -> list[dict[str, Any]]:
    numbers = np.arange(1, 1 + max(row["targets"] for row in report.rows))
    pac, summary = cumulated(rows_of(report, PAC), numbers), []
    for way in dict.fromkeys(row["way"] for row in report.rows):
        rows = rows_of(report, way)
        last = [row for row in rows if row["targets"] == numbers[-1]]
        seconds = cumulated(rows, numbers)
        summary.append(
            {
                "way": way,
                "seconds for 1": float(seconds[0]),
                f"for {numbers[-1]}": float(seconds[-1]),
                "PAC takes less": None if way == PAC else cheaper(pac, seconds),
                "converged": f"{sum(row['converged'] or 0 for row in last)} of {sum(row['measured'] for row in last)}",
                "error median": median(row["error"] for row in last),
                "error worst": max(row["worst"] for row in last),
            }
        )
        if way == DEEPXDE:
            summary[-1]["converged"] = None
    return summary


def claims(report: Report, summary: list[dict[str, Any]]) -> None:
    """No claim about DeepXDE, whose seconds were measured on another machine."""
    for row in summary:
        if row["way"] not in (PAC, DEEPXDE):
            numbers = row["PAC takes less"]
            report.claim(f"PAC takes less than {row['way']}", "for some number of targets", numbers, numbers != "never")


def figure(report: Report) -> Figure:
    shown = Figure(figsize=(7, 5), layout="constrained")
    axis = shown.subplots()
    numbers = np.arange(1, 1 + max(row["targets"] for row in report.rows))
    for i, way in enumerate(dict.fromkeys(row["way"] for row in report.rows)):
        rows = rows_of(report, way)
        axis.loglog(numbers, cumulated(rows, numbers), ":" if way == DEEPXDE else "-", color=f"C{i}", label=way)
        if way in (PAC, TUNING):
            axis.loglog([row["targets"] for row in rows], [row["seconds"] for row in rows], ".", color=f"C{i}")
    axis.set(xlabel="number of targets", ylabel="cumulated seconds, source included")
    axis.legend()
    return shown


def main() -> None:
    chosen = options(__doc__ or "")
    report = Report("break_even", chosen.quick)
    counts = COUNTS[:3] if chosen.quick else COUNTS
    settings: dict[str, Any] = {"tolerance": 0.05} if chosen.quick else {}
    for seed in range(1 if chosen.quick else 3):
        for method in (PAC, TUNING):
            along_the_path(report, method, seed, counts, settings)
        once(report, seed, counts, settings)
        each_alone(report, seed, counts, settings)
    classically(report, counts)
    by_deepxde(report, counts)
    summary = summarise(report)
    report.table("Cumulated seconds", list(summary[0]), summary)
    claims(report, summary)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "break_even.png", dpi=150)


if __name__ == "__main__":
    main()
