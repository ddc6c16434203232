"""Families on workers: how much faster are two than one, what costs a target besides its solve, what is sent?

Burgers at 64 viscosities along a spine: in this process, by one worker, by two, one thread each; the family must be
the same to the last bit. The same in this process along a chain. Then thousands of cheap targets through a scheduler in
a process of its own, whose memory is measured.

    python benchmarks/scale_out.py --output benchmarks/results
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
import torch
from distributed import Client
from matplotlib.figure import Figure

import pacpinn as pp
from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.solution import SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.sweep import dask_pool
from pacpinn.sweep.clusters import connected
from pacpinn.sweep.dask_messages import pack_context, pack_results, pack_step
from pacpinn.tasks.problem import Problem
from report import Report, options

BURGERS, CHEAP = 64, 5000
MIB = 2**20
HERE, OURS, DASK = "in this process", "pacpinn --workers", "dask worker"
RUNS = [(HERE, 0), (OURS, 1), (OURS, 2), (DASK, 1), (DASK, 2)]
LOGS = {"Dask's logs of 1,000 events": None, "logs of 10 events": 10}


@contextmanager
def cluster(workers: int, events: int | None = None) -> Iterator[tuple[Client, psutil.Process]]:
    """A scheduler and workers as Dask starts them, each in its own process; the scheduler's process is measured.

    Args:
        workers: how many, of one thread each.
        events: the length of each of the scheduler's logs; by default Dask's.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "dask"]
    logged = {} if events is None else {"DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": str(events)}
    scheduler = subprocess.Popen(
        [*dask, "scheduler", "--port", address.rpartition(":")[2], "--no-dashboard"], env=os.environ | logged, **quiet
    )
    each = [*dask, "worker", address, "--nthreads", "1", "--no-dashboard"]
    there = [subprocess.Popen(each, **quiet) for _ in range(workers)]
    try:
        with Client(address, timeout="60s") as client:
            client.wait_for_workers(workers, timeout=120)
            yield client, psutil.Process(scheduler.pid)
    finally:
        for process in (*there, scheduler):
            process.terminate()
            process.wait()


def begun(problem: Problem, first: dict[str, float], seed: int) -> pp.Family:
    """A family with its source and one target, from which all others start."""
    return pp.solve_family(problem, targets=[first], seed=seed, tree="spine")


def burgers(report: Report, seed: int, count: int) -> None:
    """The same targets here, by one worker, by two."""
    targets = burgers_targets(count)
    problem = pp.get_problem("burgers")
    families = []
    for way, workers in RUNS:
        family = begun(problem, {"nu": 0.048}, seed)
        if way == HERE:
            seconds = timed(family, targets)
        else:
            with connected(None, workers) if way == OURS else cluster(workers) as there:
                client = there if way == OURS else there[0]
                warm = begun(problem, {"nu": 0.048}, seed)
                warm.extend(targets[:4], pool_of=dask_pool.on(client))  # workers import what they need
                seconds = timed(family, targets, client)
        families.append(family)
        report.add(
            part="burgers",
            way=way,
            seed=seed,
            workers=workers,
            targets=count,
            seconds=seconds,
            solving=sum(each.seconds for each in family.targets[1:]),
            converged=sum(each.status == "converged" for each in family.targets[1:]),
            **{"same bits": same(family, families[0])},
        )


def chain(report: Report, seed: int, count: int) -> None:
    """The same targets here along a chain: workers cannot share it, but its steps are shorter than a spine's."""
    family = begun(pp.get_problem("burgers"), {"nu": 0.048}, seed)
    began = time.perf_counter()
    family.extend(burgers_targets(count), tree="chain")
    seconds = time.perf_counter() - began
    report.add(part="chain", seed=seed, targets=count, seconds=seconds)


def burgers_targets(count: int) -> list[dict[str, float]]:
    return pp.grid(nu=np.geomspace(0.045, 0.012, count))


def timed(family: pp.Family, targets: list[dict[str, float]], client: Client | None = None) -> float:
    began = time.perf_counter()
    family.extend(targets, pool_of=None if client is None else dask_pool.on(client))
    return time.perf_counter() - began


def same(one: pp.Family, other: pp.Family) -> bool:
    return list(one) == list(other) and all(
        torch.equal(a.z, b.z) for a, b in zip(one.values(), other.values(), strict=True)
    )


def cheap(report: Report, count: int, log: str, events: int | None) -> None:
    """An oscillator at thousands of coefficients: the scheduler's memory, sampled after every hundred targets."""
    per_axis = round(count**0.5)
    targets = pp.grid(damping=np.linspace(0.5, 1.5, per_axis), stiffness=np.linspace(3.5, 4.5, count // per_axis))
    family = begun(pp.get_problem("oscillator"), {"damping": 0.45, "stiffness": 4.0}, seed=0)
    with cluster(2, events) as (client, scheduler):
        warm = begun(family.problem, {"damping": 0.45, "stiffness": 4.0}, seed=0)
        warm.extend(targets[:4], pool_of=dask_pool.on(client))  # scheduler and workers import what they need
        began, seen, here = time.perf_counter(), 0, psutil.Process()
        start, busy = scheduler.memory_info().rss, {each: cpu(each) for each in (here, scheduler)}

        def watch(progress: object) -> None:
            nonlocal seen
            seen += 1
            if seen % 100 == 0:
                minutes, rss = (time.perf_counter() - began) / 60, scheduler.memory_info().rss
                report.add(
                    part="cheap",
                    log=log,
                    targets=seen,
                    minutes=minutes,
                    **{"scheduler MiB": rss / MIB, "grown MiB": (rss - start) / MIB},
                )

        family.extend(targets, watch, pool_of=dask_pool.on(client))
        seconds = time.perf_counter() - began
        at_work = {each: cpu(each) - before for each, before in busy.items()}
    with TemporaryDirectory() as folder:
        size = family.save(Path(folder) / "family.pac").stat().st_size
    report.add(
        part="cheap, in all",
        log=log,
        targets=len(targets),
        seconds=seconds,
        solving=sum(each.seconds for each in family.targets[1:]),
        converged=sum(each.status == "converged" for each in family.targets[1:]),
        here=at_work[here],
        scheduler=at_work[scheduler],
        **{"family MiB": size / MIB},
    )


def cpu(process: psutil.Process) -> float:
    """Processor seconds of a process."""
    times = process.cpu_times()
    return times.user + times.system


def travels(report: Report) -> None:
    """Bytes sent for a step and back, and bytes sent to every worker once."""
    for name in ("burgers", "oscillator"):
        family = pp.solve_family(name)
        before, start, target = family.targets[:3]
        context = StepContext(family.problem, family.bases, family.settings)
        start, before = (SolutionOnBase(each, family.bases[0]) for each in (start, before))
        there = pack_step(context, [PathSegment(start, target.coefficients, before)])
        report.add(
            part="bytes",
            problem=name,
            weights=family.counts.kept + family.counts.free,
            free=len(target.z),
            once=len(pack_context(context)),
            there=len(there),
            back=len(pack_results(context, [StepResult(SolutionOnBase(target, family.bases[0]))])),
        )


def claims_of_burgers(report: Report, rows: list[dict[str, Any]]) -> None:
    of = {run: np.array([row["seconds"] for row in rows if (row["way"], row["workers"]) == run]) for run in RUNS}
    for way, asked in ((OURS, 0.85), (DASK, 0.0)):
        efficiency = of[way, 1] / (2 * of[way, 2])
        report.claim(
            f"{way}: efficiency of two workers against one, median of runs (worst)",
            f">= {asked:.0%}" if asked else "-",
            f"{np.median(efficiency):.0%} ({efficiency.min():.0%})",
            bool(np.median(efficiency) >= asked),
        )
        over = (of[way, 1] - of[HERE, 0]) / rows[0]["targets"]
        report.claim(
            f"{way}, one worker: what a target takes more than in this process, median (worst)",
            "<= 20 ms",
            f"{1e3 * np.median(over):.1f} ms ({1e3 * over.max():.1f} ms)",
            bool(np.median(over) <= 0.020),
        )
    chains = [row["seconds"] for row in report.rows if row["part"] == "chain"]
    if chains:
        report.claim(
            "two workers along a spine, medians: seconds against one process along a chain",
            "-",
            f"{np.median(of[OURS, 2]):.1f} s, {np.median(chains):.1f} s",
            True,
        )
    bits = [row["same bits"] for row in rows]
    report.claim("families with the same bits as in this process", "all", f"{sum(bits)} of {len(bits)}", all(bits))


def claims_of_cheap(report: Report) -> None:
    for total in (row for row in report.rows if row["part"] == "cheap, in all"):
        most = max(each["grown MiB"] for each in of_log(report, total["log"]))
        report.claim(
            f"{total['targets']} cheap targets: growth of the scheduler's memory, {total['log']}",
            f"<= the file's {total['family MiB']:.0f} MiB",
            f"{most:.0f} MiB",
            most <= total["family MiB"],
        )
        count = total["targets"]
        for what, spent in (
            ("a worker's time besides the solve", 2 * total["seconds"] - total["solving"]),
            ("this process at work", total["here"]),
            ("the scheduler at work", total["scheduler"]),
        ):
            report.claim(f"a cheap target, {total['log']}: {what}", "-", f"{1e3 * spent / count:.1f} ms", True)


def of_log(report: Report, log: str) -> list[dict[str, Any]]:
    """The samples of the scheduler's memory for one length of its logs."""
    return [row for row in report.rows if row["part"] == "cheap" and row["log"] == log]


def figure(report: Report) -> Figure:
    shown = Figure(figsize=(8, 3), layout="constrained")
    left, right = shown.subplots(1, 2)
    for k, run in enumerate(RUNS):
        seconds = [
            row["seconds"] for row in report.rows if row["part"] == "burgers" and (row["way"], row["workers"]) == run
        ]
        left.barh(k, np.median(seconds) if seconds else 0.0, color="C0")
    left.set_yticks(range(len(RUNS)), [f"{way} {workers or ''}" for way, workers in RUNS])
    left.invert_yaxis()
    left.set_xlabel(f"seconds for {BURGERS} Burgers targets")
    for log in LOGS:
        rows = of_log(report, log)
        right.plot([row["targets"] for row in rows], [row["grown MiB"] for row in rows], label=log)
    right.legend()
    right.set_xlabel("targets solved")
    right.set_ylabel("scheduler's growth, MiB")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    return shown


PARTS = {"bytes": ["bytes"], "burgers": ["burgers"], "chain": ["chain"], "cheap": ["cheap", "cheap, in all"]}


def main() -> None:
    chosen = options(__doc__ or "", threads=1, parts=list(PARTS))
    report = Report("scale_out", chosen.quick)
    report.keep(chosen.output, {"part": [part for each in chosen.only for part in PARTS[each]]})
    if "bytes" in chosen.only:
        travels(report)
    if "burgers" in chosen.only:
        for seed in range(1 if chosen.quick else 3):
            burgers(report, seed, 8 if chosen.quick else BURGERS)
    if "chain" in chosen.only:
        for seed in range(1 if chosen.quick else 3):
            chain(report, seed, 8 if chosen.quick else BURGERS)
    if "cheap" in chosen.only:
        for log, events in LOGS.items():
            cheap(report, 400 if chosen.quick else CHEAP, log, events)
    if rows := [row for row in report.rows if row["part"] == "burgers"]:
        claims_of_burgers(report, rows)
    claims_of_cheap(report)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "scale_out.png", dpi=150)


if __name__ == "__main__":
    main()
