"""How should Levenberg-Marquardt find its steps in a network of 50,000 weights? Memory, and loss over seconds.

Burgers' equation from scratch by a 4 x 128 network in float64, each run in a process of its own. Peak memory is that of
the whole process, torch included:

formed        the dual system of all residuals, with the whole Jacobian formed
all           the same with the Jacobian in factors, by blocks of columns
samples       the dual system of residuals drawn again for each step; twice as many when they no longer represent all
conjugate     conjugate gradients on products with the factors: 120 at most, to a hundredth of the right side
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

import pacpinn as pp
from as_measured import get_problem
from pacpinn.networks.objective import Linearisation, Objective
from pacpinn.solvers import running_targets
from pacpinn.solvers.normal_equations import NormalEquations, damping_scale
from pacpinn.solvers.sampled_normal_equations import Sample, SampledNormalEquations
from pacpinn.transfer.methods import from_scratch
from report import Report, options

GIGABYTE = 2**30


class TimeIsUp(Exception):
    """The run has used up its seconds."""


@dataclass(frozen=True)
class ConjugateGradients(SampledNormalEquations):
    """The dual system of all residuals, solved by products alone (Hestenes & Stiefel 1952)."""

    def damped(self, mu: Tensor) -> Any:
        return Iterated(self, self.penalty + mu * damping_scale(self.jacobian.squares()))

    def moved(self, where: Tensor, there: Linearisation, delta: Tensor) -> ConjugateGradients:
        moved = super().moved(where, there, delta)
        return ConjugateGradients(moved.jacobian, moved.residuals, moved.delta, moved.penalty, moved.sample)


@dataclass(frozen=True)
class Iterated:
    normal: ConjugateGradients
    shift: Tensor
    products: int = 120
    accuracy: float = 1e-2

    def step(self) -> Tensor:
        return self._from_rows(self.normal.residuals[0])[None]  # from scratch there is no penalty

    def correction(self, curvature: Tensor) -> Tensor:
        return self._from_rows(curvature[0])[None] / 2

    def _from_rows(self, right: Tensor) -> Tensor:
        jacobian = self.normal.jacobian
        y, left, direction = torch.zeros_like(right), right, right
        for _ in range(self.products):
            image = jacobian.times(jacobian.transposed_times(direction) / self.shift) + direction
            size = left.square().sum()
            length = size / (direction @ image)
            y, left = y + length * direction, left - length * image
            if left.norm() < self.accuracy * right.norm():
                break
            direction = left + left.square().sum() / size * direction
        return -jacobian.transposed_times(y) / self.shift


def equations(way: str, now: Linearisation, delta: Tensor, objective: Objective) -> Any:
    if way == "formed":
        return NormalEquations(now.jacobian, now.residuals, delta, objective.penalty)
    kind = ConjugateGradients if way == "conjugate" else SampledNormalEquations
    sample = Sample() if way == "samples" else Sample(size=now.residuals.shape[-1])
    return kind(now.factored, now.residuals, delta, objective.penalty, sample)


def train(way: str, points: int, width: int, seed: int, threads: int, limit: float) -> dict[str, Any]:
    """One run in this process: the loss after `limit` seconds, and the memory used."""
    torch.set_num_threads(threads)
    running_targets._normal_equations = lambda *given: equations(way, *given)  # type: ignore[attr-defined]

    class Large(type(get_problem("burgers"))):  # type: ignore[misc]
        hidden = (width,) * 4

    Large.points = pp.Points(domain=points)
    problem = Large()
    task, method = problem.task(), from_scratch(problem.initial_network(seed))
    course: list[tuple[float, float]] = []
    began = time.perf_counter()

    def report(step: int, loss: float) -> None:
        course.append((time.perf_counter() - began, loss**0.5))
        if course[-1][0] > limit:
            raise TimeIsUp

    try:
        result = method.train(task, pp.LevenbergMarquardt(), 0.0, seed, report)
        score = task.score(method.masked.forward(result.z))
        status, error = str(result.status), score.value if score else None
    except TimeIsUp:
        status, error = "out of time", None
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "way": way,
        "points": points,
        "weights": len(method.start),
        "seed": seed,
        "status": status,
        "steps": len(course),
        "seconds": course[-1][0],
        "seconds a step": course[-1][0] / len(course),
        "residual": course[-1][1],
        "error": error,
        "peak GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIGABYTE,
        "course": course,
    }


def figure(report: Report, counts: list[int]) -> Figure:
    shown = Figure(figsize=(10, 4), layout="constrained")
    for axes, points in zip(shown.subplots(1, len(counts), squeeze=False, sharey=True)[0], counts, strict=True):
        for row in report.rows:
            if row["points"] == points:
                axes.loglog(*zip(*row["course"], strict=True), label=row["way"])
        axes.set(title=f"{points:,} points", xlabel="seconds", ylabel="root mean square residual")
        axes.legend()
    return shown


def main() -> None:
    chosen = options(__doc__ or "")
    report = Report("large_networks", chosen.quick)
    counts, width, limit = ([192, 384], 16, 5.0) if chosen.quick else ([1536, 4096], 128, 240.0)
    for points in counts:
        for way in ("samples", "all", "formed", "conjugate"):
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
                report.add(**own.submit(train, way, points, width, 0, chosen.threads, limit).result())
    columns = ["way", "points", "status", "steps", "seconds", "seconds a step", "residual", "error", "peak GiB"]
    report.table("4 x 128 network, Burgers' equation from scratch", columns, report.rows)
    for row in report.rows:
        if row["way"] == "samples":
            baselines = [other for other in report.rows if other["points"] == row["points"] and other is not row]
            solved = [other["seconds"] for other in baselines if other["status"] == "converged"]
            reached = f"{row['status']}, {row['peak GiB']:.2f} GiB"
            report.claim(
                f"samples: a 4 x 128 network trains on {row['points']} points",
                "converged, < 4 GiB",
                reached,
                row["status"] == "converged" and row["peak GiB"] < 4,
            )
            report.claim(
                f"samples: sooner than every other way on {row['points']} points",
                f"< {min(solved, default=limit):.0f} s",
                f"{row['seconds']:.0f} s",
                row["status"] == "converged" and row["seconds"] < min(solved, default=limit),
            )
    report.write(chosen.output)
    figure(report, counts).savefig(chosen.output / "large_networks.png", dpi=150)


if __name__ == "__main__":
    main()
