"""How do seconds and memory grow? With targets, free weights, points, input dimensions and the size of batches.

Every case is a family solved in a process of its own, to measure its peak memory. Burgers' viscosities from 0.05 to
0.01 for targets, weights and points; the heat equation in one to three space dimensions; the oscillator at 64 dampings
for batches, and on a GPU, if there is one, 256 viscosities in batches against one by one.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from torch import Tensor

import pacpinn as pp
from as_measured import get_problem
from pacpinn.runtime.deepxde_backend import dde
from report import Report, options

PARTS = ("targets", "free weights", "points", "dimensions", "batches")
MEGABYTE = 2**20
ALLOWANCE = 16 * MEGABYTE  # for memory that the allocator and caches keep, whatever is solved
FEW = 8  # targets, in parts where their number does not vary
GPU = "cuda"


class Heat(pp.Equation):
    """u_t = alpha Δu on the unit cube, t in [0, 1]; u = sin(pi x_1) … sin(pi x_d) at t = 0, u = 0 at the walls."""

    alpha = pp.Coefficient(0.2, low=0.01, high=1.0, scale="log", doc="thermal diffusivity")
    points = pp.Points(domain=1024)
    tolerance = 3e-4
    hidden = (20, 20, 20)

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self.inputs = (*(f"x{i + 1}" for i in range(dimensions)), "t")

    def geometry(self, c: pp.Coefficients) -> Any:
        d = self.dimensions
        cube = dde.geometry.Interval(0, 1) if d == 1 else dde.geometry.Hypercube([0] * d, [1] * d)
        return dde.geometry.GeometryXTime(cube, dde.geometry.TimeDomain(0, 1))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        laplacian = sum(dde.grad.hessian(u, x, i=i, j=i) for i in range(self.dimensions))
        return dde.grad.jacobian(u, x, j=self.dimensions) - c.alpha * laplacian

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, :-1], x[:, -1:]
        elapsed = torch.pi**2 * self.dimensions * c.alpha * time  # in decay times
        bubble = (4 * place * (1 - place)).prod(dim=1, keepdim=True)
        return torch.sin(torch.pi * place).prod(dim=1, keepdim=True) + elapsed / (1 + elapsed) * bubble * y

    def scale(self, c: pp.Coefficients) -> float:
        return (self.dimensions * c.alpha) ** 0.5

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        decay = np.exp(-c.alpha * self.dimensions * np.pi**2 * x[:, -1:])
        return decay * np.sin(np.pi * x[:, :-1]).prod(axis=1, keepdims=True)


@dataclass(frozen=True)
class Case:
    """One family to solve: the part of the benchmark, and the value of the quantity that varies there."""

    part: str
    value: int
    seed: int = 0
    device: str = "cpu"
    tolerance: float | None = None

    def solve(self) -> pp.Family:
        settings = {"seed": self.seed, "device": self.device, "tolerance": self.tolerance}
        if self.part == "batches" and self.device == "cpu":
            dampings = pp.grid(damping=np.linspace(0.5, 6.0, 64))
            return pp.solve_family("oscillator", targets=dampings, batch=self.value, **settings)
        if self.part == "batches":
            return pp.solve_family(get_problem("burgers"), targets=viscosities(256), batch=self.value, **settings)
        if self.part == "dimensions":
            return pp.solve_family(Heat(self.value), targets=pp.grid(alpha=np.geomspace(0.2, 0.05, 9)[1:]), **settings)
        return pp.solve_family(
            self.burgers(), targets=viscosities(self.value if self.part == "targets" else FEW), **settings
        )

    def burgers(self) -> pp.Problem:
        """The installed problem, or one with other widths or points."""
        problem = get_problem("burgers")
        varied = {"free weights": {"hidden": (self.value,) * 3}, "points": {"points": pp.Points(domain=self.value)}}
        return type("Burgers", (type(problem),), varied[self.part])() if self.part in varied else problem


def viscosities(count: int) -> list[dict[str, float]]:
    return [dict(each) for each in pp.grid(nu=np.geomspace(0.05, 0.01, count + 1)[1:])]


def measure(case: Case, threads: int) -> dict[str, Any]:
    """Solve one case in this process: a row."""
    torch.set_num_threads(threads)
    family = case.solve()
    peak = peak_memory()
    seconds = [member.seconds for member in family.targets]
    errors = [member.score.value for member in family.targets if member.score]
    with tempfile.TemporaryDirectory() as folder:
        size = family.save(Path(folder) / "family.pac").stat().st_size
    return {
        "part": case.part,
        "value": case.value,
        "seed": case.seed,
        "device": case.device,
        "free": family.counts.free,
        "of": family.counts.free + family.counts.kept,
        "targets": len(seconds),
        "converged": sum(member.status is pp.Status.CONVERGED for member in family.targets),
        "bases": len(family.bases),
        "steps": mean(member.steps for member in family.targets),
        "median": median(seconds),
        "mean": mean(seconds),
        "source": family.source.seconds,
        "error": median(errors),
        "worst": max(errors),
        "peak": peak / MEGABYTE,
        "stored": sum(kept_bytes(member) for member in family.targets) / MEGABYTE,
        "file": size / MEGABYTE,
    }


def peak_memory() -> int:
    """Peak bytes of this process. A process may inherit its parent's peak, but the parent here solves nothing."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def kept_bytes(member: pp.Solution) -> int:
    """Bytes of a target's free weights and of its losses, which are Python objects."""
    return member.z.nbytes + sum(map(sys.getsizeof, [member.history, *member.history]))


def cases(part: str, quick: bool) -> Iterator[Case]:
    values = {
        "targets": (1, 8, 32, 128, 256),
        "free weights": (16, 24, 32, 48, 64),
        "points": (512, 1024, 2048, 4096, 8192),
        "dimensions": (1, 2, 3),
        "batches": (1, 4, 16, 64),
    }[part]
    tolerance = 0.05 if quick else None
    for seed in range(3 if part == "targets" and not quick else 1):
        for value in values[:2] if quick else values:
            yield Case(part, value, seed, tolerance=tolerance)
    if part == "batches" and torch.cuda.is_available():
        for value in (1, 256):
            yield Case(part, value, device=GPU, tolerance=tolerance)


def rows_of(report: Report, part: str, value: int | None = None, device: str = "cpu") -> list[dict[str, Any]]:
    rows = [row for row in report.rows if (row["part"], row["device"]) == (part, device)]
    return [row for row in rows if value in (None, row["value"])]


def claims(report: Report) -> None:
    few, many = rows_of(report, "targets", FEW), rows_of(report, "targets", 256)
    if few and many:
        first, last = (median(row["median"] for row in rows) for rows in (few, many))
        report.claim(
            "median seconds a target of 256 targets against those of 8",
            "<= 1 x",
            f"{last / first:.2f} x",
            last <= first,
        )
        grown = median(b["peak"] - a["peak"] for a, b in zip(few, many, strict=True))
        stored = median(b["stored"] - a["stored"] for a, b in zip(few, many, strict=True))
        most = stored + ALLOWANCE / MEGABYTE
        report.claim(
            "MiB of memory from 8 to 256 targets: those of the weights and losses that are kept, and 16",
            f"<= {most:.1f}",
            f"{grown:.1f}",
            grown <= most,
        )
    alone, together = rows_of(report, "batches", 1, GPU), rows_of(report, "batches", 256, GPU)
    if alone and together:
        times = alone[0]["mean"] / together[0]["mean"]
        report.claim(
            "256 viscosities on a GPU: in batches against one by one", ">= 30 x", f"{times:.0f} x", times >= 30
        )


def figure(report: Report) -> Figure:
    """Seconds per target above, peak memory below: one column per part."""
    shown = Figure(figsize=(3 * len(PARTS), 5), layout="constrained")
    axes = shown.subplots(2, len(PARTS), sharey="row", sharex="col")
    for column, part in enumerate(PARTS):
        places = "free" if part == "free weights" else "value"
        for device in dict.fromkeys(row["device"] for row in report.rows if row["part"] == part):
            rows = rows_of(report, part, device=device)
            for axis, of in zip(axes[:, column], ("median", "peak"), strict=True):
                axis.plot([row[places] for row in rows], [row[of] for row in rows], "o", label=device)
        axes[1, column].set(xscale="log", xlabel=part if part != "batches" else "targets at once")
        axes[1, column].set_xticks(sorted({row[places] for row in rows_of(report, part)}))
        axes[1, column].xaxis.set_major_formatter("{x:g}")
        axes[1, column].xaxis.set_minor_formatter(NullFormatter())
    axes[0, 0].set(yscale="log", ylabel="seconds a target, median")
    axes[1, 0].set(ylim=0, ylabel="peak memory, MiB")
    axes[0, -1].legend()
    return shown


def main() -> None:
    chosen = options(__doc__ or "", parts=PARTS)
    report = Report("scaling", chosen.quick)
    report.keep(chosen.output, {"part": chosen.only})
    for part in chosen.only:
        for case in cases(part, chosen.quick):
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
                report.add(**own.submit(measure, case, chosen.threads).result())
    columns = [
        "value",
        "seed",
        "device",
        "free",
        "converged",
        "steps",
        "median",
        "mean",
        "source",
        "worst",
        "peak",
        "file",
    ]
    for part in PARTS:
        rows = [row for row in report.rows if row["part"] == part]
        report.table(f"{part}: converged targets, steps and seconds of each; seconds of the source, MiB", columns, rows)
    claims(report)
    if not torch.cuda.is_available():
        print("No GPU here: batches on one were not measured.")
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "scaling.png", dpi=150)


if __name__ == "__main__":
    main()
