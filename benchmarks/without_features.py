"""Burgers' equation at nu = 0.01 / pi without input features: how accurate is a plain network, and at what cost?

The problem `burgers`, with twice its points and half of its weights kept, is continued from nu = 0.05 to 0.01 / pi in
13 steps, by PAC and by fine-tuning along the same path; so is the problem `steep_burgers`, whose features fit the
front. Errors are relative L2 on a regular grid, against the Cole-Hopf reference.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

import pacpinn as pp
from as_measured import get_problem
from report import Report, options

LAST = 0.01 / math.pi
PLAIN, FEATURES = "plain", "with features"
Burgers: Any = type(get_problem("burgers"))


class PlainBurgers(Burgers):  # type: ignore[misc]
    """The installed Burgers problem with settings for a steeper front."""

    points = pp.Points(domain=3072)
    targets = pp.grid(nu=np.geomspace(0.05, LAST, 14)[1:])


PROBLEMS: dict[str, pp.Problem] = {PLAIN: PlainBurgers(), FEATURES: get_problem("steep_burgers")}
SETTINGS: dict[str, dict[str, Any]] = {PLAIN: {"keep": 0.5}, FEATURES: {}}
METHODS = ("pac", "fine-tuning")


def measure(report: Report, network: str, method: str, seed: int, quick: bool) -> None:
    settings = {**SETTINGS[network], **({"targets": [{"nu": 0.045}], "tolerance": 0.05} if quick else {})}
    family = pp.solve_family(PROBLEMS[network], method=method, seed=seed, **settings)
    for member in family.targets:
        report.add(
            network=network,
            method=method,
            seed=seed,
            nu=member.coefficients["nu"],
            status=str(member.status),
            seconds=member.seconds,
            source=family.source.seconds,
            residual=member.residual,
            error=member.score.value if member.score else None,
            bases=len(family.bases),
        )


def summarise(report: Report) -> list[dict[str, Any]]:
    """One row per network, method and seed: the whole family, and its last target."""
    summary = []
    for key in dict.fromkeys((row["network"], row["method"], row["seed"]) for row in report.rows):
        rows = [row for row in report.rows if (row["network"], row["method"], row["seed"]) == key]
        summary.append(
            {
                "network": key[0],
                "method": key[1],
                "seed": key[2],
                "converged": f"{sum(row['status'] == 'converged' for row in rows)} of {len(rows)}",
                "source": rows[0]["source"],
                "targets": sum(row["seconds"] for row in rows),
                "bases": rows[-1]["bases"],
                "last error": rows[-1]["error"],
            }
        )
    return summary


def claims(report: Report) -> None:
    asked = {PLAIN: 1e-3, FEATURES: 1e-5}
    ends = [row for row in summarise(report) if row["method"] == "pac"]
    for network, most in asked.items():
        worst = max(row["last error"] for row in ends if row["network"] == network)
        report.claim(f"PAC at nu = 0.01 / pi, {network}", f"<= {most:.0e}", f"{worst:.1e} at worst", worst <= most)


def figure(report: Report) -> Figure:
    shown = Figure(figsize=(6, 4), layout="constrained")
    axis = shown.subplots()
    for colour, network in enumerate(PROBLEMS):
        for marker, method in zip("ox", METHODS, strict=True):
            rows = [row for row in report.rows if (row["network"], row["method"]) == (network, method)]
            x, y = [row["nu"] for row in rows], [row["error"] for row in rows]
            axis.loglog(x, y, marker, color=f"C{colour}", label=f"{method}, {network}")
    axis.set(xlabel="nu", ylabel="relative L2 error", xticks=[0.003, 0.005, 0.01, 0.02, 0.04])
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.axvline(LAST, color="grey", linewidth=0.8)
    axis.legend()
    return shown


def main() -> None:
    chosen = options(__doc__ or "")
    report = Report("without_features", chosen.quick)
    for network in PROBLEMS:
        for method in METHODS:
            for seed in range(1 if chosen.quick else 3):
                measure(report, network, method, seed, chosen.quick)
    rows = summarise(report)
    report.table("Seconds of the source and of all targets; error of the last", list(rows[0]), rows)
    claims(report)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "without_features.png", dpi=150)


if __name__ == "__main__":
    main()
