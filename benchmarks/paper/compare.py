"""PAC against other transfer methods, by the protocol in PROTOCOL.md: every transfer, method and seed.

First every method's setting is chosen for each task, on separate seeds; then all methods run on the protocol's seeds.
Writes one row for each run: the target's metric, the source's metric of the same network afterwards, bytes, seconds,
setting. Seeds and transfers run side by side, one thread each.

    python benchmarks/paper/compare.py --output benchmarks/results             the open tasks
    python benchmarks/paper/compare.py --output benchmarks/results --held-out  the held-out tasks, once, at the end
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from pacpinn.equations.equation_task import EquationTask
from pacpinn.solvers.base import Solver
from pacpinn.tasks.supervised import SupervisedTask
from pacpinn.tasks.task import Task
from pacpinn.transfer.methods import TransferMethod
from paper.tasks import KINDS, Transfer, on_points, transfers, untold
from paper.variants import VARIANTS
from paper.verdict import middle, summary, verdicts
from paper.ways import (
    LOOKS_AT_FEATURES,
    WAYS,
    Beginning,
    Setting,
    Sources,
    Way,
    bytes_stored,
    solvers,
    source_after,
)
from report import Report, options

SEARCH = (200, 201)
SEEDS = tuple(range(10))
COPY = "fine-tuning + copy"
ALL = WAYS | VARIANTS

Rows = list[dict[str, Any]]
Chosen = dict[tuple[str, str, str], Setting]  # by task, solver and method


def divided(transfer: Transfer, seed: int) -> tuple[Task, Task]:
    """Three quarters of a target's training data, and a task whose validation loss is on the last quarter."""
    task = transfer.task(seed)
    if isinstance(task, SupervisedTask):
        part = task.folds(4, seed)[0]
        return part, part
    assert isinstance(task, EquationTask)
    points = task.equation.points.domain
    fewer, rest = (on_points(transfer.problem(seed), round(share * points)) for share in (0.75, 0.25))
    return untold(fewer.task(**task.coefficients)), rest.task(**task.coefficients)


def validation(method: TransferMethod, setting: Setting, part: Task, judge: Task, solver: Solver, seed: int) -> float:
    """The loss on the last quarter after training on the rest; infinite if that diverged."""
    result = method.train(part, solver, setting.penalty(part), seed)
    found = judge.validation(method.masked.forward(result.z))
    assert found is not None
    return float(found.detach()) if bool(found.isfinite()) else float("inf")


def entrants(kind: str, ways: Sequence[str], quick: bool) -> Iterator[tuple[str, Solver, str, Way]]:
    """Every solver and method on tasks of a kind; Levenberg-Marquardt takes sums of squares only."""
    for (label, solver), name in itertools.product(solvers(kind, quick).items(), ways):
        if not (label == "Levenberg-Marquardt" and name in LOOKS_AT_FEATURES):
            yield label, solver, name, ALL[name]


def sources_of(transfer: Transfer, seed: int) -> Sources:
    problem = transfer.problem(seed)
    return Sources(problem.initial_network(seed), problem.task(**transfer.source), seed)


def search(names: Sequence[str], seed: int, ways: Sequence[str], quick: bool) -> Rows:
    """The validation loss of every setting, on transfers that share one source."""
    chosen = [each for each in transfers() if each.name in names]
    sources, rows = sources_of(chosen[0], seed), []
    for transfer in chosen:
        part, judge = divided(transfer, seed)
        for label, solver, name, way in entrants(transfer.kind, ways, quick):
            here = beginning(transfer, sources, part, solver)
            settings = way.settings(transfer.kind)[:: 5 if quick else 1]
            losses = [validation(way.begin(here, each), each, part, judge, solver, seed) for each in settings]
            asked = {"task": transfer.name, "kind": transfer.kind, "solver": label, "way": name}
            rows += [{**asked, "setting": each, "loss": loss} for each, loss in zip(settings, losses, strict=True)]
    return rows


def chosen_of(rows: Rows) -> Chosen:
    """The setting with the least mean validation loss, of equations in the logarithm; of equal ones the first."""
    losses: dict[tuple[str, str, str], dict[Setting, list[float]]] = {}
    kinds = {row["task"]: row["kind"] for row in rows}
    for row in rows:
        entry = losses.setdefault((row["task"], row["solver"], row["way"]), {})
        entry.setdefault(row["setting"], []).append(row["loss"])
    return {
        key: min(settings, key=lambda each: middle(np.array(settings[each]), kinds[key[0]])[0])
        for key, settings in losses.items()
    }


def run(names: Sequence[str], seed: int, ways: Sequence[str], quick: bool, settings: Chosen) -> Rows:
    """All rows of the transfers that share one source, for one seed."""
    chosen = [each for each in transfers() if each.name in names]
    sources = sources_of(chosen[0], seed)
    rows = []
    for transfer in chosen:
        for label, solver, name, way in entrants(transfer.kind, ways, quick):
            here = beginning(transfer, sources, transfer.task(seed), solver)
            row = learnt(transfer, here, way, settings[transfer.name, label, name])
            rows.append({**row, "solver": label, "seed": seed, "way": name})
    return rows + [with_a_copy(row, sources) for row in rows if row["way"] == "fine-tuning"]


def beginning(transfer: Transfer, sources: Sources, task: Task, solver: Solver) -> Beginning:
    head = None if transfer.head is None else transfer.head(sources.seed)
    return Beginning(sources, task, head, solver)


def learnt(transfer: Transfer, here: Beginning, way: Way, setting: Setting) -> dict[str, Any]:
    """The row of one method."""
    if way.sizes:
        way.begin(here, setting)  # prunes and allocates, which the source pays for
    began = time.perf_counter()
    method = way.begin(here, setting)
    result = method.train(here.target, here.solver, setting.penalty(here.target), here.sources.seed)
    seconds = time.perf_counter() - began
    base = way.source(here.sources, setting)
    before, after = base.module(base.start), source_after(here, method, result.z, way, setting)
    return {
        "task": transfer.name,
        "kind": transfer.kind,
        "held out": transfer.held_out,
        "target": error_of(here.target, method.masked.module(result.z)),
        "source": error_of(here.sources.task, after),
        "source before": error_of(here.sources.task, before),
        "same bits": same_bits(before, after),
        "bytes": bytes_stored(method),
        "seconds": seconds,
        "strength": setting.strength,
        "size": setting.size,
    }


def same_bits(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Whether two modules hold the same weights and buffers to the last bit."""
    ours, theirs = ({key: value.numpy().tobytes() for key, value in each.state_dict().items()} for each in (one, other))
    return ours == theirs


def with_a_copy(row: dict[str, Any], sources: Sources) -> dict[str, Any]:
    """Fine-tuning with a saved copy of the source."""
    stored = row["bytes"] + 4 * len(sources.longer.weights)
    return row | {"way": COPY, "source": row["source before"], "same bits": True, "bytes": stored}


def error_of(task: Task, network: torch.nn.Module) -> float:
    score = task.score(network)
    assert score is not None
    return score.value


def groups(held_out: bool, kinds: Sequence[str]) -> Iterable[list[str]]:
    """Names of transfers that share a source."""
    found: dict[str, list[str]] = {}
    for each in transfers():
        if each.held_out == held_out and each.kind in kinds:
            found.setdefault(f"{each.problem(0).name} {each.source}", []).append(each.name)
    return found.values()


def side_by_side(pool: Executor, work: Callable[..., Rows], *of: Sequence[Any], more: Sequence[Any] = ()) -> Rows:
    """The rows of all combinations, in order."""
    pending = [pool.submit(work, *each, *more) for each in itertools.product(*of)]
    return [row for future in pending for row in future.result()]


def workers(threads: int) -> ProcessPoolExecutor:
    """As many processes as the machine has room for."""
    count = max(1, (os.cpu_count() or 1) // threads)
    return ProcessPoolExecutor(count, get_context("spawn"), torch.set_num_threads, (threads,))


def main() -> None:
    held_out = "--held-out" in sys.argv
    sys.argv = [each for each in sys.argv if each != "--held-out"]
    chosen = options(__doc__ or "", threads=1, parts=KINDS)
    report = Report("paper_held_out" if held_out else "paper", chosen.quick)
    report.keep(chosen.output, {"kind": chosen.only})
    ways = list(ALL if held_out else WAYS)
    with workers(chosen.threads) as pool:
        for kind in chosen.only:
            names = list(groups(held_out, [kind]))
            losses = side_by_side(pool, search, names, SEARCH[: 1 if chosen.quick else None], more=[ways, chosen.quick])
            settings = chosen_of(losses)
            seeds = (100,) if chosen.quick else SEEDS
            for row in side_by_side(pool, run, names, seeds, more=[ways, chosen.quick, settings]):
                report.add(**row)
    for task, solver in dict.fromkeys((row["task"], row["solver"]) for row in report.rows):
        rows = [row for row in report.rows if (row["task"], row["solver"]) == (task, solver)]
        report.table(f"{task}, {solver}", *summary(rows))
    for line in verdicts(report.rows):
        report.claim(*line)
    report.write(chosen.output)


if __name__ == "__main__":
    main()
