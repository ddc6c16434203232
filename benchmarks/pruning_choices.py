"""How should PAC prune and start? Threshold, kept fraction, what is prunable, where calibration starts.

One source per seed is trained, and then pruned, allocated and calibrated along a short path with each choice. A choice
is judged by what a user has without a reference: targets that converge, seconds, and the residual on fresh points. The
error against the reference is shown too and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch
from matplotlib.figure import Figure

import pacpinn as pp
from as_measured import get_problem
from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.continuation.step_control import continue_to
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.solvers.choice import get_solver
from pacpinn.transfer.methods import allocation, from_scratch
from pacpinn.transfer.pruning import kept_weights
from report import Report, options

PATHS = {
    "burgers": pp.grid(nu=[0.04, 0.03, 0.022, 0.016]),
    "heat": pp.grid(alpha=[0.13, 0.17, 0.22, 0.28]),
}


@dataclass(frozen=True)
class Way:
    """One combination of the choices that this benchmark compares."""

    name: str
    criterion: str = "global"
    keep: float = 0.7
    start: str = "zero"
    patterns: dict[str, Sequence[str]] = field(default_factory=dict)


def ways() -> list[Way]:
    last = "linears.3.*"
    return [
        *(Way(f"global, keep {keep}", keep=keep) for keep in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)),
        *(Way(f"layer by layer, keep {keep}", "layer", keep) for keep in (0.3, 0.5, 0.7)),
        Way("start at the source's values", start="source"),
        Way("start at small random values", start="random"),
        Way("biases always kept", patterns={"always_kept": ["*.bias"]}),
        Way("biases always free", patterns={"always_free": ["*.bias"]}),
        Way("output layer always kept", patterns={"always_kept": [last]}),
        Way("output layer always free", patterns={"always_free": [last]}),
    ]


def train_source(problem: pp.Problem, seed: int) -> MaskedNetwork:
    task = problem.task()
    method = from_scratch(problem.initial_network(seed).to(task.dtype))
    result = method.train(task, get_solver(None, task), penalty=0.0)
    return method.masked.with_mask(method.masked.free, False, method.masked.merge(result.z))


def start_of(way: Way, source: MaskedNetwork, base: MaskedNetwork, seed: int) -> torch.Tensor:
    if way.start == "source":
        return source.weights[base.free]
    if way.start == "random":
        return 0.01 * torch.randn(
            base.start.shape, generator=torch.Generator().manual_seed(seed), dtype=base.start.dtype
        )
    return base.start


def try_way(
    problem: pp.Problem, source: MaskedNetwork, way: Way, seed: int, path: list[dict[str, float]]
) -> dict[str, Any]:
    task = problem.task()
    kept = kept_weights(source, way.keep, way.criterion, **way.patterns)
    method = allocation(source, kept)
    allocated = method.train(task, get_solver(None, task), task.penalty)
    base = method.masked.with_mask(~kept, True, method.masked.merge(allocated.z))
    start = start_of(way, source, base, seed)
    jacobian = Objective(task, base).linearise(start[None]).jacobian
    context = StepContext(problem, [Base(base, task.coefficients)], pp.Settings(halvings=0, bases=1))
    at_start = allocated.__class__(start, allocated.status, 0, 0.0, [0.0])
    member = SolutionOnBase.of(task, context.bases[0], at_start, None)
    members = []
    for target in path:
        member, _ = continue_to(context, PathSegment(member, problem.at(target)))
        members.append(member.solution)
    return {
        "free": len(start),
        "allocated": str(allocated.status),
        "zero columns": float((jacobian.abs().amax(dim=(0, 1)) == 0).double().mean()),
        "converged": sum(each.status is pp.Status.CONVERGED for each in members) / len(members),
        "first steps": members[0].steps,
        "seconds": sum(each.seconds for each in members) + allocated.seconds,
        "fresh residual": max(each.residual for each in members),
        "error": max(each.score.value for each in members if each.score),
    }


def summarise(report: Report, problem: str) -> list[dict[str, Any]]:
    summary = []
    for name in dict.fromkeys(row["way"] for row in report.rows):
        rows = [row for row in report.rows if (row["way"], row["problem"]) == (name, problem)]
        summary.append(
            {
                "way": name,
                "free": rows[0]["free"],
                "zero columns": median(row["zero columns"] for row in rows),
                "converged": sum(row["converged"] for row in rows) / len(rows),
                "seconds median": median(row["seconds"] for row in rows),
                "seconds worst": max(row["seconds"] for row in rows),
                "fresh residual worst": max(row["fresh residual"] for row in rows),
                "error worst": max(row["error"] for row in rows),
            }
        )
    return summary


def figure(report: Report) -> Figure:
    problems = list(dict.fromkeys(row["problem"] for row in report.rows))
    shown = Figure(figsize=(10, 5), layout="constrained")
    for axes, problem in zip(shown.subplots(1, len(problems), squeeze=False, sharey=True)[0], problems, strict=True):
        summary = summarise(report, problem)[::-1]
        axes.barh([each["way"] for each in summary], [each["seconds median"] for each in summary], color="C0")
        axes.plot([each["seconds worst"] for each in summary], range(len(summary)), "k|", label="worst seed")
        for i, each in enumerate(summary):
            if each["converged"] < 1:
                axes.text(0, i, f" {each['converged']:.0%} converged", va="center", color="white", fontsize="small")
        axes.set(title=problem, xlabel="seconds to allocate and calibrate four targets")
        axes.legend()
    return shown


def main() -> None:
    chosen = options(__doc__ or "")
    report = Report("pruning_choices", chosen.quick)
    for name, path in PATHS.items():
        problem = get_problem(name)
        for seed in range(1 if chosen.quick else 3):
            source = train_source(problem, seed)
            for way in ways()[:: 3 if chosen.quick else 1]:
                outcome = try_way(problem, source, way, seed, path[: 1 if chosen.quick else None])
                report.add(problem=name, seed=seed, way=way.name, **outcome)
    columns = [
        "way",
        "free",
        "zero columns",
        "converged",
        "seconds median",
        "seconds worst",
        "fresh residual worst",
        "error worst",
    ]
    for name in PATHS:
        report.table(name, columns, summarise(report, name))
        rows = {each["way"]: each for each in summarise(report, name)}
        default, layer = rows["global, keep 0.7"], rows.get("layer by layer, keep 0.7", rows["global, keep 0.7"])
        report.claim(
            f"{name}: one global threshold leaves no more dead columns than one for each layer",
            "<= layer by layer",
            f"{default['zero columns']:.1%} against {layer['zero columns']:.1%}",
            default["zero columns"] <= layer["zero columns"],
        )
        report.claim(
            f"{name}: with the defaults every target converges",
            "all",
            f"{default['converged']:.0%}",
            default["converged"] == 1,
        )
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "pruning_choices.png", dpi=150)


if __name__ == "__main__":
    main()
