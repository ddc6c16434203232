"""What error for how many seconds? Every family by PAC, by fine-tuning along the same path, by its baselines.

All networks have the same architecture, points, tolerance and stopping rule, and, except with DeepXDE's optimisers, the
same solver. Marginal seconds are those of one more target, failed attempts and new bases included; amortised seconds
also include a share of the source and its allocation. Errors are relative L2 on a regular grid, against references that
training never uses. A classical solver at several resolutions is the baseline for all networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median, stdev
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

import classical
import pacpinn as pp
from as_measured import get_problem
from pacpinn.solvers.choice import SolverChoice
from pacpinn.transfer.from_scratch import cold_start
from report import Report, options

Targets = Sequence[dict[str, float]]

FAMILIES = {
    "burgers": pp.grid(nu=np.geomspace(0.05, 0.01, 25)[1:]),
    "advection": pp.grid(beta=range(2, 31)),
    "allen_cahn": None,
    "heat": None,
    "oscillator": None,
    "steep_burgers": None,
}
CLASSICAL = "classical"


# Along a path. The last layer fails with every seed; it tries no intermediate coefficients, where it would fail too.
PATHS: dict[str, dict[str, Any]] = {
    "pac": {"method": "pac"},
    "fine-tuning": {"method": "fine-tuning"},
    "last-layer": {"method": "last-layer", "halvings": 0},
    "parametric": {"method": "parametric", "solver": pp.LevenbergMarquardt(max_steps=150)},
}
# From scratch, at two of the targets with our solver, at the last one with those that DeepXDE offers.
STARTS: dict[str, SolverChoice] = {
    "from scratch": None,
    "DeepXDE's optimisers": [pp.Adam(steps=3000), pp.LBFGS(steps=1000), pp.NNCG(steps=20)],
}
ONE_SEED = ("last-layer", "parametric")


def targets_of(name: str, quick: bool) -> Targets:
    problem = get_problem(name)
    targets = [dict(each) for each in FAMILIES[name] or problem.targets]
    return targets[:2] if quick else targets


def along_a_path(report: Report, name: str, way: str, seed: int, targets: Targets) -> None:
    family = pp.solve_family(get_problem(name), targets=targets, seed=seed, **PATHS[way])
    shared = family.source.seconds / len(family.targets)
    for member in family.targets:
        add(report, name, way, seed, member, member.seconds + shared, len(family.bases))


def from_scratch(report: Report, name: str, way: str, seed: int, targets: Targets) -> None:
    problem = get_problem(name)
    for values in targets:
        task = problem.task(**values)
        masked, result = cold_start(problem.initial_network(seed), task, STARTS[way], seed)
        member = pp.Solution.of(task, masked, result, base=0, parent=None)
        add(report, name, way, seed, member, member.seconds, 0)


def classically(report: Report, name: str, targets: Targets) -> None:
    problem = get_problem(name)
    classical.solve(name, problem.at(targets[0]), classical.RESOLUTIONS[0])  # the first call loads SciPy's libraries
    for c in map(problem.at, targets):
        for resolution in classical.RESOLUTIONS:
            seconds, error = classical.solve(name, c, resolution)
            report.add(
                problem=name,
                method=CLASSICAL,
                seed=0,
                target=str(c),
                status="converged",
                steps=None,
                seconds=seconds,
                amortised=seconds,
                residual=None,
                error=error,
                bases=0,
                resolution=resolution,
            )


def add(report: Report, name: str, method: str, seed: int, member: pp.Solution, amortised: float, bases: int) -> None:
    report.add(
        problem=name,
        method=method,
        seed=seed,
        target=str(member.coefficients),
        status=str(member.status),
        steps=member.steps,
        seconds=member.seconds,
        amortised=amortised,
        residual=member.residual,
        error=member.score.value if member.score else None,
        bases=bases,
    )


def rows_of(report: Report, name: str, method: str) -> list[dict[str, Any]]:
    return [row for row in report.rows if (row["problem"], row["method"]) == (name, method)]


def summarise(report: Report, name: str) -> list[dict[str, Any]]:
    summary = []
    ways = [(method, rows_of(report, name, method)) for method in (*PATHS, *STARTS)]
    lines = rows_of(report, name, CLASSICAL)
    for resolution in sorted({row["resolution"] for row in lines}):
        ways.append((f"{CLASSICAL}, {resolution}", [row for row in lines if row["resolution"] == resolution]))
    for method, rows in ways:
        if not rows:
            continue
        worst = [max(row["error"] for row in rows if row["seed"] == seed) for seed in sorted({r["seed"] for r in rows})]
        summary.append(
            {
                "method": method,
                "converged": f"{sum(row['status'] == 'converged' for row in rows)} of {len(rows)}",
                "seconds median": median(row["seconds"] for row in rows),
                "seconds worst": max(row["seconds"] for row in rows),
                "amortised": mean(row["amortised"] for row in rows),
                "error median": median(row["error"] for row in rows),
                "error worst": max(worst),
                "its spread": stdev(worst) if len(worst) > 1 else None,
                "bases": max(row["bases"] for row in rows),
            }
        )
    return summary


def ratio(report: Report, name: str, method: str) -> float:
    """Seconds of PAC over those of another method, summed over the targets that both have."""
    both = {row["target"] for row in rows_of(report, name, method)}
    pac, other = (
        mean(row["seconds"] for row in rows_of(report, name, each) if row["target"] in both) for each in ("pac", method)
    )
    return pac / other


def claims(report: Report) -> None:
    burgers, advection, steep = (rows_of(report, name, "pac") for name in ("burgers", "advection", "steep_burgers"))
    if burgers:
        worst, seconds = max(row["error"] for row in burgers), median(row["seconds"] for row in burgers)
        report.claim("burgers: worst error of 24 viscosities, over the seeds", "<= 3e-4", f"{worst:.1e}", worst <= 3e-4)
        report.claim("burgers: median seconds a target", "<= 0.25", f"{seconds:.2f}", seconds <= 0.25)
        for way, most in (("fine-tuning", 0.7), ("from scratch", 0.1)):
            found = ratio(report, "burgers", way)
            report.claim(f"burgers: PAC's seconds over those of {way}", f"<= {most}", f"{found:.2f}", found <= most)
    if advection:
        worst, bases = max(row["error"] for row in advection), max(row["bases"] for row in advection)
        report.claim("advection: worst error of 29 speeds", "<= 1e-3", f"{worst:.1e}", worst <= 1e-3)
        report.claim("advection: bases", "<= 3", str(bases), bases <= 3)
    last = [row["error"] for row in steep if row["target"].startswith("nu=0.00318")]
    if last:
        report.claim("steep_burgers: error at nu = 0.01 / pi", "<= 1e-5", f"{max(last):.1e}", max(last) <= 1e-5)


def figure(report: Report) -> Figure:
    """Error against amortised seconds above, error against the residual below: one column per problem."""
    names = list(dict.fromkeys(row["problem"] for row in report.rows))
    shown = Figure(figsize=(3.2 * len(names), 6.8), layout="constrained")
    axes = shown.subplots(2, len(names), squeeze=False, sharey="col")
    for column, name in enumerate(names):
        for i, method in enumerate((*PATHS, *STARTS, CLASSICAL)):
            rows = rows_of(report, name, method)
            for axis, of in zip(axes[:, column], ("amortised", "residual"), strict=True):
                known = [r for r in rows if r[of] is not None]
                axis.loglog([r[of] for r in known], [r["error"] for r in known], ".", color=f"C{i}", label=method)
        axes[0, column].set(title=name, xlabel="seconds a target, source shared out")
        axes[1, column].set(xlabel="residual on fresh points, in its scale")
    for axis in axes.flat:
        axis.xaxis.set_minor_formatter(NullFormatter())
    for axis in axes[:, 0]:
        axis.set(ylabel="relative L2 error")
    shown.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=7)
    return shown


def main() -> None:
    chosen = options(__doc__ or "", parts=list(FAMILIES))
    report = Report("time_to_error", chosen.quick)
    report.keep(chosen.output, {"problem": chosen.only})
    for name in chosen.only:
        targets = targets_of(name, chosen.quick)
        half = max(1, len(targets) // 2)
        for seed in range(1 if chosen.quick else 3):
            for way in PATHS:
                if seed == 0 or way not in ONE_SEED:
                    along_a_path(report, name, way, seed, targets)
            from_scratch(report, name, "from scratch", seed, targets[half - 1 :: half])
        from_scratch(report, name, "DeepXDE's optimisers", 0, targets[-1:])
        classically(report, name, targets)
    columns = [
        "method",
        "converged",
        "seconds median",
        "seconds worst",
        "amortised",
        "error median",
        "error worst",
        "its spread",
        "bases",
    ]
    for name in dict.fromkeys(row["problem"] for row in report.rows):
        report.table(name, columns, summarise(report, name))
    claims(report)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "time_to_error.png", dpi=150)


if __name__ == "__main__":
    main()
