"""Does memory stay flat? Families solved one after the other in one process, saved, loaded, queried and drawn.

Every round does everything that a session may do: a source and targets, more targets, answers between members,
coefficients from measurements, estimated errors, a family file written and read. At its end resident memory is noted.

    python benchmarks/endurance.py --output benchmarks/results
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pacpinn as pp
from report import Report, options

MINUTES, WARM_UP, BAND = 30.0, 3.0, 0.05


def one_round(seed: int, folder: Path) -> int:
    """One session; the number of members that it solved."""
    solved = 0
    for name, targets, further in (
        ("oscillator", pp.grid(damping=[0.8, 1.2]), {"damping": 1.0}),
        ("burgers", pp.grid(nu=[0.045, 0.04]), {"nu": 0.038}),
        ("pendulum", None, None),
    ):
        family = pp.solve_family(name, targets=targets, seed=seed, save=folder / f"{name}.pac")
        if further is not None:
            family.extend([further])
            family.estimate_errors()
        again = pp.load(family.save(folder / f"{name}.pac"))
        again.plot(folder)
        solved += len(family)
    refined = pp.solve_family("logistic", within={"rate": (1.0, 2.0)}, tolerance=1e-3, seed=seed)
    t = np.linspace(0, 1, 40)[:, None]
    refined.infer(t, refined.predict(t, rate=1.5), deviation=1e-3)
    return solved + len(refined)


def resident() -> float:
    """MiB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def figure(report: Report) -> Figure:
    shown = Figure(figsize=(6, 3), layout="constrained")
    axes = shown.subplots()
    axes.plot([row["minutes"] for row in report.rows], [row["MiB"] for row in report.rows], ".-", markersize=3)
    axes.axvspan(0, WARM_UP, color="0.9", linewidth=0)
    axes.set_xlabel("minutes")
    axes.set_ylabel("resident memory, MiB")
    axes.set_ylim(0, None)
    axes.grid(alpha=0.3)
    return shown


def main() -> None:
    chosen = options(__doc__ or "", threads=1)
    report = Report("endurance", chosen.quick)
    minutes, warm_up = (0.2, 0.0) if chosen.quick else (MINUTES, WARM_UP)
    began, seed = time.perf_counter(), 0
    while (elapsed := (time.perf_counter() - began) / 60) < minutes:
        with tempfile.TemporaryDirectory() as folder:
            solved = one_round(seed, Path(folder))
        report.add(round=seed, minutes=(time.perf_counter() - began) / 60, members=solved, MiB=resident())
        seed += 1
    warm = np.array([row["MiB"] for row in report.rows if row["minutes"] > warm_up])
    middle = float(np.median(warm))
    off = max(abs(warm.max() / middle - 1), abs(warm.min() / middle - 1))
    drift = float(np.polyfit(np.linspace(0, 1, len(warm)), warm / middle, 1)[0]) if len(warm) > 1 else 0.0
    total = sum(row["members"] for row in report.rows)
    what = f"memory after the first {warm_up:g} of {elapsed:.0f} minutes, {total} members"
    report.claim(what, "± 5 %", f"± {off:.1%}", off <= BAND)
    report.claim("drift over that time, by a line", "-", f"{drift:+.1%} of {middle:.0f} MiB", True)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "endurance.png", dpi=150)


if __name__ == "__main__":
    main()
