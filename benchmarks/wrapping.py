"""What does PAC's wrapping cost? A training step of ten million weights, plain and through `pac.to_calibrate()`.

Seconds of a step (processor time, median) and the most memory that a process needs, at several batch sizes and kept
fractions. Both have a penalty on the weights in the loss, written as a user would write it: plain training over the
parameters, PAC by `module.penalty()`. PAC copies the network that it is given; the original is deleted. Every row is
measured in a process of its own.
"""

from __future__ import annotations

import gc
import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from statistics import median
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import nn

import pacpinn as pp
from report import Report, options

INPUTS, OUTPUTS = 1024, 64
WIDTHS = (2048, 2048, 1792)
SIZES = (INPUTS, *WIDTHS, OUTPUTS)
WEIGHTS = sum((n + 1) * m for n, m in pairwise(SIZES))
KEEPS = (None, 0.7, 0.5, 0.3)  # None: plain
BATCHES = (64, 256)
STEPS = 12


def network() -> nn.Module:
    layers = [layer for n, m in pairwise(SIZES) for layer in (nn.Linear(n, m), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def wrapped(keep: float) -> tuple[pp.PAC, Any]:
    pac = pp.PAC(network())
    pac.prune(keep, criterion=lambda weights, keep: {name: torch.rand(w.shape) < keep for name, w in weights.items()})
    pac.adopt(pac.to_allocate())
    return pac, pac.to_calibrate()


def measure(keep: float | None, batch: int, threads: int) -> dict[str, Any]:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    pac, module = (None, network()) if keep is None else wrapped(keep)  # PAC's own memory counts
    x, y = torch.randn(batch, INPUTS), torch.randn(batch, OUTPUTS)
    optimizer = torch.optim.Adam(module.parameters())
    seconds = []
    for _ in range(STEPS):
        began = time.process_time()
        optimizer.zero_grad()
        penalty: Any = module.penalty() if pac else sum(each.square().sum() for each in module.parameters())
        (nn.functional.mse_loss(module(x), y) + 1e-6 * penalty).backward()
        optimizer.step()
        seconds.append(time.process_time() - began)
    held = current_memory()
    return {
        "way": "plain" if keep is None else f"PAC, keep {keep}",
        "batch": batch,
        "weights": WEIGHTS,
        "ms": 1000 * median(seconds[2:]),
        "held": held / (4 * WEIGHTS),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }


def current_memory() -> float:
    """Bytes that tensors of this process hold between steps."""
    seen = {}
    for each in gc.get_objects():
        if torch.is_tensor(each):
            storage = each.untyped_storage()
            seen[storage.data_ptr()] = storage.nbytes()
            if each.is_leaf and each.grad is not None:
                seen[each.grad.untyped_storage().data_ptr()] = each.grad.untyped_storage().nbytes()
    return float(sum(seen.values()))


def claims(report: Report) -> None:
    plain = {row["batch"]: row for row in report.rows if row["way"] == "plain"}
    for row in report.rows:
        if row["way"] != "plain":
            base = plain[row["batch"]]
            ratio, more = row["ms"] / base["ms"], row["held"] - base["held"]
            where = f"{row['way']}, batches of {row['batch']}"
            report.claim(f"{where}: time of a step against plain", "<= 1.2", f"{ratio:.2f}", ratio <= 1.2)
            report.claim(f"{where}: memory held beyond plain, in weights", "<= 2", f"{more:.2f}", more <= 2)


def figure(report: Report) -> Figure:
    shown = Figure(figsize=(7, 3), layout="constrained")
    for axes, column, label in zip(
        shown.subplots(1, 2), ("ms", "held"), ("ms a step", "memory / weights"), strict=True
    ):
        for batch, marker in zip(BATCHES, "os", strict=True):
            rows = [row for row in report.rows if row["batch"] == batch]
            axes.plot([row["way"] for row in rows], [row[column] for row in rows], marker, label=f"batch {batch}")
        axes.set(ylabel=label, ylim=(0, None))
        axes.tick_params(axis="x", labelrotation=20, labelsize=8)
        axes.legend(fontsize=8)
    return shown


def main() -> None:
    chosen = options(__doc__ or "", threads=1)
    report = Report("wrapping", chosen.quick)
    for batch in BATCHES:
        for keep in KEEPS[: 2 if chosen.quick else None]:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                report.add(**pool.submit(measure, keep, batch, chosen.threads).result())
    report.table("a training step", list(report.rows[0]), report.rows)
    claims(report)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "wrapping.png", dpi=150)


if __name__ == "__main__":
    main()
