"""Coefficients from noisy measurements: are the errors as small as the noise allows, and are the intervals right?

For each family 50 observations at random points, with noise of 1 % of the solution's standard deviation over them, are
drawn in every run with another seed; `family.infer` then finds the coefficients without knowing the size of the noise.
Each error is compared with the Cramér-Rao bound of that run's observations, which is computed from the reference alone,
with its sensitivity by central differences. Reported are the root mean square over all runs of error / bound (1 is the
best that any unbiased estimate can reach), the number of runs in which the 95 % interval contains the truth, and the
seconds per run once the family is solved.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import pacpinn as pp
from pacpinn.equations.collocation import domain_points
from pacpinn.equations.equation import Equation
from pacpinn.runtime.isolation import untouched
from report import Report, options


@dataclass(frozen=True)
class Case:
    """One family: its range and tolerance, and the coefficients to be found."""

    problem: str
    within: Mapping[str, tuple[float, float]]
    tolerance: float
    truth: Mapping[str, float]


CASES = {
    "burgers": Case("burgers", {"nu": (0.02, 0.05)}, 1e-4, {"nu": 0.03}),
    "oscillator": Case(
        "oscillator", {"damping": (0.2, 1.0), "stiffness": (3.0, 5.0)}, 3e-4, {"damping": 0.5, "stiffness": 3.7}
    ),
    "reaction_diffusion": Case(
        "reaction_diffusion", {"nu": (0.25, 1.0), "rho": (1.0, 4.0)}, 1e-3, {"nu": 0.6, "rho": 2.2}
    ),
}
RUNS, QUICK_RUNS = 200, 20
OBSERVATIONS, NOISE = 50, 0.01
LEAST, MOST = 182, 197  # of 200 intervals: the 99 % range of a binomial distribution with 95 %
TIMES_BOUND, SECONDS = 3.0, 5.0
STEP = 1e-3  # of a coefficient, for the reference's central differences


def bounds(problem: Equation, c: pp.Coefficients, x: np.ndarray, names: Sequence[str], noise: float) -> np.ndarray:
    """Cramér-Rao bounds of the standard deviations ``(names,)``, from the reference."""
    columns = []
    for name in names:
        ahead, behind = (pp.Coefficients(**{**c, name: c[name] * (1 + s * STEP)}) for s in (1, -1))
        columns.append(np.ravel(problem.reference(x, ahead) - problem.reference(x, behind)) / (2 * STEP * c[name]))
    slopes = np.stack(columns, axis=1)
    return noise * np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes)))


def one_run(family: pp.Family, case: Case, seed: int) -> dict[str, Any]:
    """Draw observations and infer."""
    problem, rng = family.problem, np.random.default_rng(seed)
    assert isinstance(problem, Equation)
    c = problem.at(case.truth)
    geometry = problem.geometry(c)
    with untouched(seed):
        x = domain_points(geometry, OBSERVATIONS, "pseudo")
    exact = problem.reference(x, c)
    noise = NOISE * float(exact.std())
    values = exact + noise * rng.normal(size=exact.shape)
    wall, processor = time.perf_counter(), _processor_seconds()
    found = family.infer(x, values, unknown=list(case.truth))
    seconds, cpu = time.perf_counter() - wall, _processor_seconds() - processor
    least = bounds(problem, c, x, list(case.truth), noise)
    intervals = found.interval(0.95)
    return {
        "problem": case.problem,
        "seed": seed,
        "kind": found.kind,
        "status": str(found.status),
        "steps": found.steps,
        "bias": found.bias,
        "seconds": seconds,
        "cpu": cpu,
        "off": [(found.coefficients[name] - c[name]) / each for name, each in zip(case.truth, least, strict=True)],
        "standard_error": [found.standard_errors[n] / each for n, each in zip(case.truth, least, strict=True)],
        "covers": [bool(intervals[name][0] <= c[name] <= intervals[name][1]) for name in case.truth],
    }


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(report: Report, name: str, runs: int) -> None:
    case, began = CASES[name], time.perf_counter()
    family = pp.solve_family(case.problem, within=case.within, tolerance=case.tolerance)
    offline = time.perf_counter() - began
    report.rows.append({"problem": name, "seed": None, "members": len(family), "seconds": offline})
    report.rows += [one_run(family, case, seed) for seed in range(runs)]
    report.table(
        f"{name}: {len(family)} members in {offline:.1f} s", list(summary(report, name)[0]), summary(report, name)
    )


def runs_of(report: Report, name: str) -> list[dict[str, Any]]:
    return [row for row in report.rows if row["problem"] == name and row["seed"] is not None]


def summary(report: Report, name: str) -> list[dict[str, Any]]:
    """One line for each unknown."""
    rows = runs_of(report, name)
    return [
        {
            "unknown": unknown,
            "runs": len(rows),
            "rms error / bound": float(np.sqrt(np.mean([row["off"][k] ** 2 for row in rows]))),
            "mean error / bound": float(np.mean([row["off"][k] for row in rows])),
            "stated error / bound": float(np.mean([row["standard_error"][k] for row in rows])),
            "covered": sum(row["covers"][k] for row in rows),
            "calibrated": sum(row["kind"] == "calibrated" for row in rows),
            "seconds median": float(np.median([row["seconds"] for row in rows])),
            "seconds worst": max(row["seconds"] for row in rows),
            "processor mean": float(np.mean([row["cpu"] for row in rows])),
        }
        for k, unknown in enumerate(CASES[name].truth)
    ]


def claims(report: Report, names: Sequence[str]) -> None:
    for name in names:
        rows, lines = runs_of(report, name), summary(report, name)
        count = len(rows)
        worst = max(line["rms error / bound"] for line in lines)
        report.claim(f"{name}: error / Cramér-Rao bound", f"<= {TIMES_BOUND:g}", f"{worst:.2f}", worst <= TIMES_BOUND)
        least, most = (round(each * count / RUNS) for each in (LEAST, MOST))
        covered = [line["covered"] for line in lines]
        reached = ", ".join(str(each) for each in covered)
        within = all(least <= each <= most for each in covered)
        report.claim(f"{name}: intervals that hold the truth, of {count}", f"{least} to {most}", reached, within)
        slowest = max(line["seconds worst"] for line in lines)
        report.claim(f"{name}: seconds a run", f"<= {SECONDS:g}", f"{slowest:.2f}", slowest <= SECONDS)
        solved = sum(row["status"] == "converged" for row in rows)
        report.claim(f"{name}: converged", str(count), str(solved), solved == count)


def figure(report: Report, names: Sequence[str]) -> Figure:
    """Errors in units of the bound: they should have a standard normal distribution."""
    shown = Figure(figsize=(4 * len(names), 3.2), layout="constrained")
    places = np.linspace(-4, 4, 200)
    for axis, name in zip(shown.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for k, unknown in enumerate(CASES[name].truth):
            off = [row["off"][k] for row in runs_of(report, name)]
            axis.hist(off, bins=25, range=(-4, 4), density=True, histtype="step", label=unknown)
        axis.plot(places, np.exp(-(places**2) / 2) / np.sqrt(2 * np.pi), "k:", linewidth=0.8)
        axis.set(title=name, xlabel="error / Cramér-Rao bound")
        axis.legend(frameon=False)
    return shown


def main() -> None:
    chosen = options(__doc__ or "", threads=1, parts=list(CASES))
    report = Report("inference", chosen.quick)
    report.keep(chosen.output, {"problem": chosen.only})
    for name in chosen.only:
        measure(report, name, QUICK_RUNS if chosen.quick else RUNS)
    names = [name for name in CASES if runs_of(report, name)]
    claims(report, names)
    report.write(chosen.output)
    figure(report, names).savefig(chosen.output / "inference.png", dpi=150)


if __name__ == "__main__":
    main()
