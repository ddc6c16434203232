"""Regression and classification from few target samples: PAC against fine-tuning, L2-SP and training from scratch.

Five seeds, each with data, source network and targets of its own. Every method trains on the same target samples with
the same solver, steps and seeds; the strength of its penalty is chosen for each target by cross-validation on the
target's training samples alone. Test samples of target and source decide nothing; they give the figures: the target's
metric, and afterwards the source's metric of the same network. PAC's allocation trains on the source a second time, so
the baselines' source network is trained a second time too. PAC appears with two kept fractions.

Seeds run side by side, one thread each.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

import pacpinn as pp
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.base import Result, Solver
from pacpinn.solvers.choice import get_solver
from pacpinn.tasks.supervised import SupervisedTask
from pacpinn.transfer.methods import TransferMethod, allocation, calibration, fine_tuning, from_scratch, l2_sp
from pacpinn.transfer.pruning import kept_weights
from report import Report, options

KEEPS = (0.7, 0.3)
FOLDS = 4


@dataclass(frozen=True)
class Study:
    """One problem: its targets for a seed, the penalty's strengths to choose from, and how long a target is trained."""

    problem: Callable[[int], pp.Problem]
    targets: Callable[[int], list[dict[str, float]]]
    priors: tuple[float, ...]  # divided by the number of samples
    target_solver: Solver


def studies() -> dict[str, Study]:
    friedman, digits = pp.get_problem("friedman"), pp.get_problem("digits")
    concepts = sys.modules[type(friedman).__module__].draw_concepts
    return {
        "friedman": Study(
            lambda seed: type(friedman)(data_seed=seed),
            lambda seed: concepts(count=2, drift=1, samples=50, seed=100 + seed),
            (0.0, 0.5, 5.0, 50.0, 500.0),
            pp.Adam(steps=1000, learning_rate=3e-3),
        ),
        "digits": Study(
            lambda seed: type(digits)(data_seed=seed),
            lambda seed: pp.grid(angle=[30, 60], samples=[100]),
            (0.0, 0.01, 0.1, 1.0, 10.0),
            pp.Adam(steps=300, learning_rate=3e-3),
        ),
    }


def trained(method: TransferMethod, task: SupervisedTask, penalty: float, seed: int) -> MaskedNetwork:
    """The method's network after training by the task's own solver."""
    result = method.train(task, get_solver(None, task), penalty, seed)
    return method.masked.with_mask(method.masked.free, False, method.masked.merge(result.z))


@dataclass(frozen=True)
class Way:
    """A method on one source: how it starts each target, and the network that has learnt only the source."""

    make: Callable[[], TransferMethod]
    source: MaskedNetwork | None
    pac: bool = False


def ways(network: torch.nn.Module, task: SupervisedTask, seed: int) -> dict[str, Way]:
    """The baselines on one source network, and PAC on the same network pruned; all are trained equally long."""
    fitted = trained(from_scratch(network), task, 0.0, seed)
    again = trained(fine_tuning(fitted), task, 0.0, seed)
    found = {
        "from scratch": Way(lambda: from_scratch(network), None),
        "fine-tuning": Way(lambda: fine_tuning(again), again),
        "L2-SP": Way(lambda: l2_sp(again), again),
    }
    for keep in KEEPS:
        kept = kept_weights(fitted, keep)
        base = trained(allocation(fitted, kept), task, task.penalty, seed).with_mask(~kept, True)
        found[f"PAC, keep {keep}"] = Way(partial(calibration, base), base, pac=True)
    return found


def chosen_prior(make: Callable[[], TransferMethod], task: SupervisedTask, study: Study, seed: int) -> float:
    """The strength with the least validation error over the folds of the target's training samples."""

    def validation(prior: float) -> float:
        return mean(train(make(), fold, prior, study, seed)[1] for fold in task.folds(FOLDS, seed))

    return min(study.priors, key=validation)


def train(method: TransferMethod, task: SupervisedTask, prior: float, study: Study, seed: int) -> tuple[Result, float]:
    result = method.train(task, study.target_solver, prior / len(task.samples.x_train), seed)
    return result, task.score(method.masked.forward(result.z)).value


def run(name: str, seed: int) -> list[dict[str, Any]]:
    """All rows of one problem and seed."""
    study, rows = studies()[name], []
    problem = study.problem(seed)
    source_task = problem.task()

    def on_source(masked: MaskedNetwork, z: torch.Tensor) -> tuple[float, np.ndarray]:
        forward = masked.forward(z)
        return source_task.score(forward).value, source_task.predict(forward, source_task.samples.x_test)

    network = problem.initial_network(seed)
    compared = ways(network, source_task, seed)
    for target in study.targets(seed):
        task = problem.task(**target)
        for label, way in compared.items():
            prior = chosen_prior(way.make, task, study, seed)
            method = way.make()
            result, error = train(method, task, prior, study, seed)
            row = {"problem": name, "seed": seed, "target": brief(target), "way": label, "prior": prior, "error": error}
            if way.source is not None:
                before, answers = on_source(way.source, way.source.start)
                # The source's metric of the same network; with PAC the free weights are set back to zero.
                after, answers_after = on_source(method.masked, torch.zeros_like(result.z) if way.pac else result.z)
                same = bool(np.array_equal(answers, answers_after))
                row |= {"source before": before, "source after": after, "source unchanged": same}
            rows.append(row | {"seconds": result.seconds})
    return rows


def brief(target: dict[str, float]) -> str:
    return f"angle={target['angle']:g}" if "angle" in target else f"a1={target['a1']:g}, ..."


def summarise(report: Report, name: str) -> list[dict[str, Any]]:
    summary = []
    for way in dict.fromkeys(row["way"] for row in report.rows):
        rows = [row for row in report.rows if (row["problem"], row["way"]) == (name, way)]
        errors = [row["error"] for row in rows]
        kept = "source after" in rows[0]
        summary.append(
            {
                "way": way,
                "target mean": mean(errors),
                "target spread": float(np.std(errors)),
                "target worst": max(errors),
                "source before": mean(row["source before"] for row in rows) if kept else None,
                "source after": mean(row["source after"] for row in rows) if kept else None,
                "seconds median": median(row["seconds"] for row in rows),
            }
        )
    return summary


def claims(report: Report, name: str) -> None:
    rows = {each["way"]: each for each in summarise(report, name)}
    fine = rows["fine-tuning"]
    for way, pac in rows.items():
        if not way.startswith("PAC"):
            continue
        report.claim(
            f"{name}: {way}, target error against fine-tuning's",
            "to be reported",
            f"{pac['target mean']:.3g} ± {pac['target spread']:.2g} against "
            f"{fine['target mean']:.3g} ± {fine['target spread']:.2g}",
            pac["target mean"] <= fine["target mean"],
        )
        unchanged = [row["source unchanged"] for row in report.rows if (row["problem"], row["way"]) == (name, way)]
        report.claim(
            f"{name}: {way}, the source is unchanged",
            "to the last bit",
            f"{sum(unchanged)} of {len(unchanged)} bit-identical; source error {pac['source after']:.3g}, "
            f"after fine-tuning {fine['source after']:.3g}",
            all(unchanged),
        )


def figure(report: Report) -> Figure:
    problems = list(dict.fromkeys(row["problem"] for row in report.rows))
    shown = Figure(figsize=(5 * len(problems), 4), layout="constrained")
    metrics = {"friedman": "RMSE", "digits": "error rate"}
    for axes, name in zip(shown.subplots(1, len(problems), squeeze=False)[0], problems, strict=True):
        labels = dict.fromkeys(row["way"] for row in report.rows if "source after" in row)
        for way, marker in zip(labels, "osD^v", strict=False):
            rows = [row for row in report.rows if (row["problem"], row["way"]) == (name, way)]
            axes.plot(
                [row["source after"] for row in rows], [row["error"] for row in rows], marker, label=way, alpha=0.8
            )
        axes.set(
            title=name, xlabel=f"{metrics[name]} on the source afterwards", ylabel=f"{metrics[name]} on the target"
        )
        axes.grid(alpha=0.3)
    axes.legend()
    return shown


def main() -> None:
    chosen = options(__doc__ or "", threads=1)
    report = Report("supervised_transfer", chosen.quick)
    seeds = range(1 if chosen.quick else 5)
    workers = max(1, (os.cpu_count() or 1) // chosen.threads)
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (chosen.threads,)) as pool:
        pending = {(name, seed): pool.submit(run, name, seed) for name in studies() for seed in seeds}
        for future in pending.values():
            for row in future.result():
                report.add(**row)
    columns = ["way", "target mean", "target spread", "target worst", "source before", "source after", "seconds median"]
    for name in studies():
        report.table(name, columns, summarise(report, name))
        claims(report, name)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "supervised_transfer.png", dpi=150)


if __name__ == "__main__":
    main()
