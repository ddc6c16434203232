"""What does each part of PAC contribute? Against the kept fraction, and without each part, on an open task per kind.

All other settings are those that `compare.py` chose for PAC: the strength, and for the ablations the kept fraction.

    python benchmarks/paper/parts.py --output benchmarks/results
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.transfer.allocation import frozen_base
from pacpinn.transfer.methods import allocation, calibration
from pacpinn.transfer.pruning import kept_weights
from paper.compare import SEEDS, Rows, beginning, error_of, side_by_side, sources_of, workers
from paper.tasks import EQUATIONS, Transfer, transfers
from paper.verdict import middle, paired, values_of
from paper.ways import Setting, Sources, solvers
from report import Report, options

TASKS = (
    "friedman, 100",
    "digits turned by 60, 30",
    "oscillator, damping 4, 256 points",
    "burgers, nu 0.02, 64 points",
)
KEEPS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
PUBLISHED = "as published"


def pruned(sources: Sources, kept: Tensor) -> MaskedNetwork:
    """The source with its freed weights at zero, without allocation."""
    method = allocation(sources.fitted, kept)
    return frozen_base(method.masked, method.start)


def magnitude(sources: Sources, keep: float) -> Tensor:
    return kept_weights(sources.fitted, keep)


def random(sources: Sources, keep: float) -> Tensor:
    draw = torch.rand(len(sources.fitted.weights), generator=torch.Generator().manual_seed(sources.seed))
    return draw.argsort().argsort() < round(keep * len(draw))


def inverted(sources: Sources, keep: float) -> Tensor:
    """The inverted mask: the smallest weights are kept, in the same number."""
    return ~kept_weights(sources.fitted, 1 - keep)


Part = Callable[[Sources, float], MaskedNetwork]
PARTS: dict[str, Part] = {
    PUBLISHED: lambda sources, keep: sources.allocated(magnitude(sources, keep)),
    "no allocation": lambda sources, keep: pruned(sources, magnitude(sources, keep)),
    "no penalty in allocation": lambda sources, keep: sources.allocated(magnitude(sources, keep), penalty=0.0),
    "no penalty in calibration": lambda sources, keep: sources.allocated(magnitude(sources, keep)),
    "random mask": lambda sources, keep: sources.allocated(random(sources, keep)),
    "inverted mask": lambda sources, keep: sources.allocated(inverted(sources, keep)),
}


def solver_of(transfer: Transfer) -> str:
    return "Levenberg-Marquardt" if transfer.kind in EQUATIONS else "Adam"


def run(name: str, seed: int, quick: bool, chosen: dict[str, Setting]) -> Rows:
    """All kept fractions and ablations of one task and seed."""
    transfer = next(each for each in transfers() if each.name == name)
    sources, task = sources_of(transfer, seed), transfer.task(seed)
    here = beginning(transfer, sources, task, solvers(transfer.kind, quick)[solver_of(transfer)])
    setting = chosen[name]
    assert setting.size is not None
    trials = [("keep", PUBLISHED, keep) for keep in (KEEPS[::4] if quick else KEEPS)]
    trials += [("part", part, setting.size) for part in PARTS]
    rows = []
    for what, part, keep in trials:
        network = PARTS[part](sources, keep)
        method = calibration(network)
        strength = 0.0 if part == "no penalty in calibration" else setting.penalty(task)
        result = method.train(task, here.solver, strength, seed)
        rows.append(
            {
                "what": what,
                "task": name,
                "kind": transfer.kind,
                "seed": seed,
                "way": part,
                "keep": keep,
                "strength": setting.strength,
                "target": error_of(task, method.masked.module(result.z)),
                "source": error_of(sources.task, network.module(network.start)),
            }
        )
    return rows


def chosen_settings(directory: Path) -> dict[str, Setting]:
    """The settings that the comparison chose for PAC, by task."""
    path = directory / "paper.json"
    if not path.is_file():
        raise SystemExit(f"there is no {path}, which says what was chosen: run compare.py with this --output first")
    by_name = {each.name: each for each in transfers()}
    found = {}
    for row in json.loads(path.read_text())["rows"]:
        if row["task"] in TASKS and row["way"] == "PAC" and row["solver"] == solver_of(by_name[row["task"]]):
            found[row["task"]] = Setting(row["strength"], row["size"])
    return found


def of_parts(rows: Rows) -> list[dict[str, Any]]:
    """Each part's effect on its task, with the paired test against PAC as published."""
    kind = rows[0]["kind"]
    ours = values_of(rows, PUBLISHED)
    lines = []
    for part in PARTS:
        theirs = values_of(rows, part)
        centre, low, high = middle(theirs, kind)
        source = middle(values_of(rows, part, "source"), kind)[0]
        lines.append({"way": part, "target": centre, "from": low, "to": high, "p": paired(ours, theirs)})
        lines[-1] |= {"source": source, "worst": float(theirs.max())}
    return lines


def figure(rows: Rows) -> Figure:
    """Target and source against the kept fraction, one panel per task."""
    shown = Figure(figsize=(10, 2.8), layout="constrained")
    for axes, task in zip(shown.subplots(1, len(TASKS)), TASKS, strict=True):
        here = [row for row in rows if row["task"] == task and row["what"] == "keep"]
        kind = here[0]["kind"]
        for column, colour in (("target", "C0"), ("source", "C1")):
            keeps = sorted({row["keep"] for row in here})
            lines = [values_of([row for row in here if row["keep"] == keep], PUBLISHED, column) for keep in keeps]
            centre, low, high = zip(*(middle(each, kind) for each in lines), strict=True)
            axes.plot(keeps, centre, "o-", markersize=3, color=colour, label=column)
            axes.fill_between(keeps, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.set(xlabel="kept fraction", title=task)
        axes.title.set_fontsize(8)
        axes.set_yscale("log" if kind in EQUATIONS else "linear")
    shown.axes[0].legend(fontsize=8)
    return shown


def tables(report: Report) -> None:
    for task in TASKS:
        lines = of_parts([row for row in report.rows if row["task"] == task and row["what"] == "part"])
        report.table(f"{task}: without a part", list(lines[0]), lines)


def main() -> None:
    chosen = options(__doc__ or "", threads=1)
    report = Report("paper_parts", chosen.quick)
    settings = chosen_settings(chosen.output)
    seeds: Sequence[int] = (100,) if chosen.quick else SEEDS
    with workers(chosen.threads) as pool:
        for row in side_by_side(pool, run, TASKS, seeds, more=[chosen.quick, settings]):
            report.add(**row)
    tables(report)
    report.write(chosen.output)
    figure(report.rows).savefig(chosen.output / "paper_parts.png", dpi=150)


if __name__ == "__main__":
    main()
