"""PAC against other transfer methods, as PROTOCOL.md lays down: every transfer, method and seed.

Writes one row for each: the target's metric, the source's metric of the same network afterwards, bytes, seconds, the
setting chosen. Seeds and transfers run side by side, one thread each.

    python benchmarks/paper/compare.py --output benchmarks/results            the open tasks, seeds 0 to 9
    python benchmarks/paper/compare.py --output benchmarks/results --held-out  the held-out tasks, once, at the end
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

import pacpinn as pp
from pacpinn.equation_task import EquationTask
from pacpinn.methods import Method
from pacpinn.solvers import Solver
from pacpinn.supervised import SupervisedTask
from pacpinn.task import Task
from paper.tasks import Transfer, transfers
from paper.verdict import summary, verdicts
from paper.ways import (
    LOOKS_AT_FEATURES,
    WAYS,
    Beginning,
    Setting,
    Sources,
    bytes_stored,
    solvers,
    source_after,
    source_of,
)
from report import Report, options

SEEDS = tuple(range(10))
COPY = "fine-tuning + copy"


def divided(task: Task, problem: pp.Problem, seed: int) -> tuple[Task, Task]:
    """Three quarters of a target's training data, and a task whose validation loss is of the last quarter."""
    if isinstance(task, SupervisedTask):
        part = task.folds(4, seed)[0]
        return part, part
    assert isinstance(task, EquationTask)
    fewer, rest = (with_points(problem, task, share) for share in (0.75, 0.25))
    return fewer, rest


def with_points(problem: pp.Problem, task: EquationTask, share: float) -> Task:
    """The equation on a share of its points."""
    points = replace(task.equation.points, domain=round(share * task.equation.points.domain))
    kind: Any = type(problem)
    return untold(type(kind.__name__, (kind,), {"points": points})().task(**task.coefficients))


def untold(task: Task) -> Task:
    """Without a tolerance to stop at."""
    task.tolerance = None
    return task


def validation(method: Method, setting: Setting, part: Task, judge: Task, solver: Solver, seed: int) -> float:
    """The loss on the last quarter after training on the rest; infinite if that diverged."""
    result = method.train(part, solver, setting.strength, seed)
    found = judge.validation(method.masked.forward(result.z))
    assert found is not None
    return float(found.detach()) if bool(found.isfinite()) else float("inf")


def run(names: Sequence[str], seed: int, quick: bool) -> list[dict[str, Any]]:
    """All rows of the transfers that share one source, for one seed."""
    chosen = [each for each in transfers() if each.name in names]
    problem = chosen[0].problem(seed)
    source = problem.task(**chosen[0].source)
    sources = Sources(problem.initial_network(seed), source, seed)
    return [row for each in chosen for row in rows_of(each, problem, sources, seed, quick)]


def rows_of(transfer: Transfer, problem: pp.Problem, sources: Sources, seed: int, quick: bool) -> list[dict[str, Any]]:
    """All methods' rows of one transfer."""
    task, rows = untold(problem.task(**transfer.target(seed))), []
    part, judge = divided(task, problem, seed)
    head = None if transfer.head is None else transfer.head(seed)
    for (label, solver), (name, way) in itertools.product(solvers(transfer.kind, quick).items(), WAYS.items()):
        if label == "Levenberg-Marquardt" and name in LOOKS_AT_FEATURES:
            continue
        settings = way.settings[:1] if quick else way.settings
        trial, whole = (Beginning(sources, each, head, solver) for each in (part, task))
        losses = [validation(way.begin(trial, each), each, part, judge, solver, seed) for each in settings]
        best = settings[int(np.argmin(losses))]
        began = time.perf_counter()
        method = way.begin(whole, best)
        result = method.train(task, solver, best.strength, seed)
        seconds = time.perf_counter() - began
        before = source_of(sources, way, best.size)
        rows.append(
            {
                "task": transfer.name,
                "kind": transfer.kind,
                "held out": transfer.held_out,
                "solver": label,
                "seed": seed,
                "way": name,
                "target": error_of(task, method.masked.module(result.z)),
                "source": error_of(sources.task, source_after(whole, method, result.z, way, best.size)),
                "source before": error_of(sources.task, before.module(before.start)),
                "bytes": bytes_stored(method),
                "seconds": seconds,
                "strength": best.strength,
                "size": best.size,
            }
        )
    return rows + [with_a_copy(row, sources) for row in rows if row["way"] == "fine-tuning"]


def with_a_copy(row: dict[str, Any], sources: Sources) -> dict[str, Any]:
    """Fine-tuning beside which the source is kept."""
    stored = row["bytes"] + 4 * len(sources.longer.weights)
    return row | {"way": COPY, "source": row["source before"], "bytes": stored}


def error_of(task: Task, network: torch.nn.Module) -> float:
    score = task.score(network)
    assert score is not None
    return score.value


def groups(held_out: bool) -> Iterable[list[Transfer]]:
    """Transfers that share a source."""
    found: dict[str, list[Transfer]] = {}
    for each in transfers():
        if each.held_out == held_out:
            problem = each.problem(0)
            points = f"{getattr(problem, 'points', '')}"
            found.setdefault(f"{problem.name} {each.source} {points}", []).append(each)
    return found.values()


def main() -> None:
    held_out = "--held-out" in sys.argv
    sys.argv = [each for each in sys.argv if each != "--held-out"]
    chosen = options(__doc__ or "", threads=1)
    report = Report("paper_held_out" if held_out else "paper", chosen.quick)
    seeds = (100,) if chosen.quick else SEEDS
    workers = max(1, (os.cpu_count() or 1) // chosen.threads)
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (chosen.threads,)) as pool:
        pending = [
            pool.submit(run, [each.name for each in group], seed, chosen.quick)
            for group in groups(held_out)
            for seed in seeds
        ]
        for future in pending:
            for row in future.result():
                report.add(**row)
    for task, solver in dict.fromkeys((row["task"], row["solver"]) for row in report.rows):
        rows = [row for row in report.rows if (row["task"], row["solver"]) == (task, solver)]
        report.table(f"{task}, {solver}", *summary(rows))
    for line in verdicts(report.rows):
        report.claim(*line)
    report.write(chosen.output)


if __name__ == "__main__":
    main()
