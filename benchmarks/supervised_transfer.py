"""Regression and classification from few target samples: PAC against fine-tuning, L2-SP and training from scratch.

Five seeds, each with data, source network and targets of its own. Every method trains on the same target samples with
the same solver, steps and seeds; the strength of its penalty is chosen for each target by cross-validation on the
target's training samples alone. Test samples of target and source decide nothing and give the figures: the target's
metric, and the source's metric of the same network afterwards. PAC's allocation trains on the source a second time, so
the rivals' source network is trained a second time too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

import pacpinn as pp
from pacpinn.masked import MaskedNetwork
from pacpinn.methods import Method, allocation, calibration, fine_tuning, from_scratch, l2_sp
from pacpinn.pruning import kept_weights
from pacpinn.solvers import Result, Solver, get_solver
from pacpinn.supervised import SupervisedTask
from report import Report, options

KEEP = 0.7
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


def trained(method: Method, task: SupervisedTask, penalty: float, seed: int) -> MaskedNetwork:
    """The method's network after training by the task's own solver."""
    result = method.train(task, get_solver(None, task), penalty, seed)
    return method.masked.with_mask(method.masked.free, False, method.masked.merge(result.z))


def methods(network: torch.nn.Module, source: MaskedNetwork, base: MaskedNetwork) -> dict[str, Callable[[], Method]]:
    return {
        "from scratch": lambda: from_scratch(network),
        "fine-tuning": lambda: fine_tuning(source),
        "L2-SP": lambda: l2_sp(source),
        f"PAC, keep {KEEP}": lambda: calibration(base),
    }


def chosen_prior(make: Callable[[], Method], task: SupervisedTask, study: Study, seed: int) -> float:
    """The strength with the least validation error over the folds of the target's training samples."""

    def validation(prior: float) -> float:
        return mean(train(make(), fold, prior, study, seed)[1] for fold in task.folds(FOLDS, seed))

    return min(study.priors, key=validation)


def train(method: Method, task: SupervisedTask, prior: float, study: Study, seed: int) -> tuple[Result, float]:
    result = method.train(task, study.target_solver, prior / len(task.samples.x_train), seed)
    return result, task.score(method.masked.forward(result.z)).value


def run(report: Report, name: str, study: Study, seed: int) -> None:
    problem = study.problem(seed)
    source_task = problem.task()
    network = problem.initial_network(seed)
    fitted = trained(from_scratch(network), source_task, 0.0, seed)
    source = trained(fine_tuning(fitted), source_task, 0.0, seed)
    kept = kept_weights(fitted, KEEP)
    allocated = trained(allocation(fitted, kept), source_task, source_task.penalty, seed)
    base = allocated.with_mask(~kept, True)
    before = {
        "source trained": source_task.score(source.forward(source.start)).value,
        "source allocated": source_task.score(base.forward(base.start)).value,
    }
    answers = source_task.predict(base.forward(base.start), source_task.samples.x_test)
    for target in study.targets(seed):
        task = problem.task(**target)
        for way, make in methods(network, source, base).items():
            prior = chosen_prior(make, task, study, seed)
            method = make()
            result, score = train(method, task, prior, study, seed)
            # What the same network says of the source: PAC's, with its free weights set back to zero.
            pac = way.startswith("PAC")
            after = method.masked.forward(torch.zeros_like(result.z) if pac else result.z)
            row: dict[str, Any] = {"source after": source_task.score(after).value}
            if pac:
                unchanged = np.array_equal(source_task.predict(after, source_task.samples.x_test), answers)
                row["source unchanged"] = bool(unchanged)
            report.add(
                problem=name,
                seed=seed,
                target=brief(target),
                way=way,
                prior=prior,
                error=score,
                seconds=result.seconds,
                **row,
                **before,
            )


def brief(target: dict[str, float]) -> str:
    return f"angle={target['angle']:g}" if "angle" in target else f"a1={target['a1']:g}, ..."


def summarise(report: Report, name: str) -> list[dict[str, Any]]:
    summary = []
    for way in dict.fromkeys(row["way"] for row in report.rows):
        rows = [row for row in report.rows if (row["problem"], row["way"]) == (name, way)]
        errors = [row["error"] for row in rows]
        summary.append(
            {
                "way": way,
                "target mean": mean(errors),
                "target spread": float(np.std(errors)),
                "target worst": max(errors),
                "source before": mean(
                    row["source allocated" if "source unchanged" in row else "source trained"] for row in rows
                ),
                "source after": mean(row["source after"] for row in rows),
                "seconds median": median(row["seconds"] for row in rows),
            }
        )
    return summary


def claims(report: Report, name: str) -> None:
    rows = {each["way"]: each for each in summarise(report, name)}
    pac, fine = rows[f"PAC, keep {KEEP}"], rows["fine-tuning"]
    report.claim(
        f"{name}: PAC's target error against fine-tuning's",
        "to be reported",
        f"{pac['target mean']:.3g} ± {pac['target spread']:.2g} against "
        f"{fine['target mean']:.3g} ± {fine['target spread']:.2g}",
        pac["target mean"] <= fine["target mean"],
    )
    unchanged = [row["source unchanged"] for row in report.rows if row["problem"] == name and "source unchanged" in row]
    report.claim(
        f"{name}: PAC's source is unchanged",
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
        for way, marker in zip(dict.fromkeys(row["way"] for row in report.rows), "osD^", strict=False):
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
    chosen = options(__doc__ or "")
    report = Report("supervised_transfer", chosen.quick)
    for name, study in studies().items():
        for seed in range(1 if chosen.quick else 5):
            run(report, name, study, seed)
        columns = [
            "way",
            "target mean",
            "target spread",
            "target worst",
            "source before",
            "source after",
            "seconds median",
        ]
        report.table(name, columns, summarise(report, name))
        claims(report, name)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "supervised_transfer.png", dpi=150)


if __name__ == "__main__":
    main()
