"""Every equation of the library with its defaults: its family, errors and their estimates, seconds, a picture.

Also writes the table `problems/README.md` and its pictures. Errors are relative, against references that no solve
uses; seconds are those of `solve_family`, without figures.
"""

from __future__ import annotations

import argparse
import inspect
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import pacpinn as pp
from pacpinn.equations.collocation import regular_grid
from pacpinn.tasks.registry import installed_problems
from report import Report, options

TIGHT = ("burgers", "heat", "helmholtz", "kovasznay")
ASKED = {"schrodinger": 2e-3, "fractional_poisson": 1e-2, "cavity": 2e-2} | dict.fromkeys(TIGHT, 1e-4)
MINUTES = dict.fromkeys(("cavity", "allen_cahn", "schrodinger"), 8)
TARGETS, FACTOR = 5, 4  # at least
OF_ESTIMATE = 3  # times its estimate: an error above it was flattered
SEEDS = (0, 1, 2)
PICTURES = Path("docs/gallery")
PAGE = Path("problems/README.md")
PREAMBLE = """# Problems

Equations ready to solve with `pacpinn solve burgers`, one file each, to read and to copy. Errors are
those of the default family (source and targets) against independent references, relative to the variation of the worst
output: median and worst over three seeds. Seconds
are those of the whole family on two cores, median over the seeds. This page is written by `benchmarks/gallery.py`.
There are also a regression, `friedman`, and a classification, `digits`.
"""


def equations() -> list[str]:
    return sorted(name for name in installed_problems() if isinstance(pp.get_problem(name), pp.Equation))


def asked(problem: pp.Problem) -> float:
    """The error asked for: 1e-3; less for ordinary differential equations and easy ones, more for hard ones."""
    return ASKED.get(problem.name, 1e-4 if tuple(problem.inputs) == ("t",) else 1e-3)


def factor(family: pp.Family) -> float:
    """Largest over smallest value of the coefficient that varies most."""
    values = [[abs(c[name]) for c in family] for name in family.varying]
    return max(max(each) / min(each) for each in values if min(each) > 0)


def measure(report: Report, name: str, seed: int) -> pp.Family:
    began = time.perf_counter()
    family = pp.solve_family(name, seed=seed)
    seconds = time.perf_counter() - began
    rows = family.table()
    errors = [row["error"] for row in rows]
    report.add(
        problem=name,
        seed=seed,
        targets=len(family.targets),
        converged=sum(each.status == "converged" for each in family.values()) == len(family),
        factor=factor(family),
        bases=len(family.bases),
        error_median=median(errors),
        error_worst=max(errors),
        asked=asked(family.problem),
        above_estimate=sum(row["error"] > OF_ESTIMATE * row["estimate"] for row in rows),
        above_bound=sum(row["error"] > row["bound"] for row in rows),
        seconds=seconds,
    )
    return family


def picture(family: pp.Family) -> Figure:
    """The first output: with one input curves of all members, with two the source and the last target as colours.

    With three inputs, the last of which is time, the picture shows the final time.
    """
    problem = family.problem
    if len(problem.inputs) == 1:
        return curves(family)
    shown = Figure(figsize=(4.4, 1.8), layout="constrained")
    members = [family.source.coefficients, family.targets[-1].coefficients]
    fields = [_field(family, c) for c in members]
    low, high = (f(np.nanmin(each[2]) if f is min else np.nanmax(each[2]) for each in fields) for f in (min, max))
    for axes, c, (x, y, values) in zip(shown.subplots(1, 2, sharey=True), members, fields, strict=True):
        axes.pcolormesh(x, y, values, vmin=low, vmax=high, cmap="viridis", rasterized=True)
        if "t" not in problem.inputs[:2]:
            axes.set_aspect("equal")
        axes.set_title(_label(family, c), fontsize=7)
        axes.tick_params(labelsize=6)
    return shown


def curves(family: pp.Family) -> Figure:
    shown = Figure(figsize=(4.4, 1.8), layout="constrained")
    axes = shown.subplots()
    x = family.problem.task().grid()  # type: ignore[attr-defined]
    for k, c in enumerate(family):
        values = family.predict(x, **c)[:, 0]
        axes.plot(x[:, 0], values, color=f"C{k % 10}", linewidth=1 if k else 2, label="source" if k == 0 else None)
    axes.legend(fontsize=6, frameon=False)
    axes.tick_params(labelsize=6)
    return shown


def _field(family: pp.Family, c: pp.Coefficients, side: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Axes and values ``(side, side)``; NaN outside the domain."""
    geometry: Any = family.problem.geometry(c)  # type: ignore[attr-defined]
    inside = regular_grid(geometry, side)
    low, high = inside.min(axis=0), inside.max(axis=0)
    first, second = (np.linspace(low[j], high[j], side) for j in (0, 1))
    x, y = np.meshgrid(first, second, indexing="ij")
    points = np.stack([x.ravel(), y.ravel(), *[np.full(x.size, end) for end in high[2:]]], axis=1)
    space = getattr(geometry, "geometry", geometry)
    kept = np.ravel(space.inside(points[:, : space.dim]))
    values = np.full(len(points), np.nan)
    values[kept] = family.predict(points[kept], **c)[:, 0]
    return first, second, values.reshape(side, side).T


def _label(family: pp.Family, c: pp.Coefficients) -> str:
    return ", ".join(f"{name} = {c[name]:.3g}" for name in family.varying)


def page(report: Report) -> str:
    """A table of all problems."""
    lines = [PREAMBLE, "| problem | | coefficients | error: median, worst | seconds |", "|---|---|---|---|---|"]
    for problem in map(pp.get_problem, dict.fromkeys(row["problem"] for row in report.rows)):
        rows = [row for row in report.rows if row["problem"] == problem.name]
        text = " ".join((inspect.getdoc(type(problem)) or "").split("\n\n")[0].split()).replace("|", "\\|")
        coefficients = "<br>".join(
            f"`{name}` {each.low:g} to {each.high:g}: {each.doc}" for name, each in problem.coefficients.items()
        )
        errors = f"{median(row['error_median'] for row in rows):.0e}, {max(row['error_worst'] for row in rows):.0e}"
        errors += "" if all(row["converged"] for row in rows) else " (not all converged)"
        name = f"[{problem.name}]({problem.name}.py)"
        image = f"![{problem.name}](../{PICTURES}/{problem.name}.png)"
        seconds = f"{median(row['seconds'] for row in rows):.0f}"
        lines.append(f"| {name}<br>{text} | {image} | {coefficients} | {errors} | {seconds} |")
    return "\n".join(lines) + "\n"


def claims(report: Report) -> None:
    rows = report.rows
    short = [row["problem"] for row in rows if row["targets"] < TARGETS or row["factor"] < FACTOR * (1 - 1e-9)]
    report.claim(f"targets of each family, over a factor of {FACTOR}", f">= {TARGETS}", _but(rows, short), not short)
    missed = [_run(row) for row in rows if not row["converged"]]
    report.claim("all members converged", "all", _but(rows, missed), not missed)
    missed = [f"{_run(row)} {row['error_worst']:.1e}" for row in rows if row["error_worst"] > row["asked"]]
    report.claim("worst error of each family", "1e-3, 1e-4, 2e-3, 1e-2", _but(rows, missed), not missed)
    members = sum(row["targets"] + 1 for row in rows)
    for what, column, share in (
        (f"{OF_ESTIMATE} x its estimate", "above_estimate", 0.05),
        ("its bound", "above_bound", 0.01),
    ):
        count = sum(row[column] for row in rows)
        report.claim(
            f"members with an error above {what}", f"<= {share:.0%}", f"{count} of {members}", count <= share * members
        )
    slow = [
        f"{_run(row)} {row['seconds']:.0f} s" for row in rows if row["seconds"] > 60 * MINUTES.get(row["problem"], 3)
    ]
    report.claim("each family within 3 minutes (8 for the hard ones)", "all", _but(rows, slow), not slow)


def _run(row: dict[str, Any]) -> str:
    return f"{row['problem']} (seed {row['seed']})"


def _but(rows: list[dict[str, Any]], missed: list[str]) -> str:
    return f"{len(rows) - len(missed)} of {len(rows)}" + (f", but {', '.join(missed)}" if missed else "")


def more_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds of the solves")


def main() -> None:
    names = equations()
    chosen = options(__doc__ or "", parts=names, more=more_options)
    report = Report("gallery", chosen.quick)
    report.keep(chosen.output, {"problem": chosen.only, "seed": chosen.seeds})
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in chosen.only[:1] if chosen.quick else chosen.only:
        for seed in chosen.seeds:
            family = measure(report, name, seed)
            if seed == 0 and not chosen.quick:
                picture(family).savefig(PICTURES / f"{name}.png", dpi=110)
    report.rows.sort(key=lambda row: (row["problem"], row["seed"]))
    columns = ["problem", "seed", "targets", "converged", "bases", "error_median", "error_worst"]
    columns += ["above_estimate", "above_bound", "seconds"]
    report.table("default families", columns, report.rows)
    claims(report)
    report.write(chosen.output)
    if not chosen.quick:
        PAGE.write_text(page(report))


if __name__ == "__main__":
    main()
