"""How reliable are error estimates? Estimated and true errors of all members of every equation of the library.

The estimate uses the equation on points of its own, never the reference; the true error is against the reference.

    python benchmarks/error_estimates.py --output benchmarks/results
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import spearmanr

import pacpinn as pp
from gallery import equations
from report import Report, options

FACTOR, SHARE = 10, 0.95


def measure(report: Report, name: str) -> None:
    """The default family of a problem."""
    family = pp.solve_family(name)
    for c, member in family.items():
        if member.score is None:
            continue
        began = time.perf_counter()
        found = family.error_estimate(**c)
        seconds = time.perf_counter() - began
        report.add(
            problem=name,
            coefficients=str(c),
            status=str(member.status),
            residual=member.residual,
            error=member.score.value,
            estimate=found.relative,
            ratio=found.relative / member.score.value,
            seconds=seconds,
            solved_in=member.seconds,
        )


def claims(report: Report) -> None:
    rows = report.rows
    error, estimate, residual = (np.array([row[name] for row in rows]) for name in ("error", "estimate", "residual"))
    ratio = estimate / error
    for factor, asked in ((FACTOR, SHARE), (2, None)):
        inside = int(np.sum((ratio > 1 / factor) & (ratio < factor)))
        wanted = "-" if asked is None else f">= {asked:.0%}"
        holds = asked is None or inside >= asked * len(rows)
        report.claim(f"within a factor of {factor} of the true error", wanted, f"{inside} of {len(rows)}", holds)
    report.claim("median of estimate over error", "-", f"{np.median(ratio):.2f}", True)
    for what, k in (("under-estimate", int(ratio.argmin())), ("over-estimate", int(ratio.argmax()))):
        place = f"{rows[k]['problem']} at {rows[k]['coefficients']}"
        report.claim(f"worst {what}", "-", f"{ratio[k]:.2g} times the error {error[k]:.1e} ({place})", True)
    for what, values in (("estimate", estimate), ("residual", residual)):
        found = float(spearmanr(values, error).statistic)
        report.claim(f"rank correlation of {what} and error, all members", "-", f"{found:.3f}", True)
    within = [_within(rows, name) for name in dict.fromkeys(row["problem"] for row in rows)]
    report.claim("the same within a family, median", "-", f"{np.nanmedian(within):.3f}", True)


def _within(rows: list[dict[str, Any]], name: str) -> float:
    own = [row for row in rows if row["problem"] == name]
    return float(spearmanr([row["estimate"] for row in own], [row["error"] for row in own]).statistic)


def figure(rows: list[dict[str, Any]]) -> Figure:
    """Estimated errors against true errors, and the residuals from which the estimates are made."""
    shown = Figure(figsize=(8, 4), layout="constrained")
    error = np.array([row["error"] for row in rows])
    ends = np.array([error.min() / 2, error.max() * 2])
    for axes, name in zip(shown.subplots(1, 2, sharey=True), ("estimate", "residual"), strict=True):
        values = np.array([row[name] for row in rows])
        axes.loglog(values, error, "o", markersize=3, alpha=0.6)
        axes.set_xlabel("estimated relative error" if name == "estimate" else "root mean square residual")
        axes.grid(alpha=0.3)
        if name == "estimate":
            axes.fill_between(ends, ends / FACTOR, ends * FACTOR, color="0.9", linewidth=0)
            axes.plot(ends, ends, color="0.4", linewidth=0.8)
            axes.set_ylabel("relative L2 error against the reference")
    return shown


def main() -> None:
    names = equations()
    chosen = options(__doc__ or "", parts=names)
    report = Report("error_estimates", chosen.quick)
    report.keep(chosen.output, {"problem": chosen.only})
    for name in ["oscillator"] if chosen.quick else chosen.only:
        measure(report, name)
    report.rows.sort(key=lambda row: row["problem"])
    claims(report)
    report.write(chosen.output)
    figure(report.rows).savefig(chosen.output / "error_estimates.png", dpi=150)


if __name__ == "__main__":
    main()
