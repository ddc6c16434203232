"""Milliseconds per query against error: any coefficient between a family's members, by the reduced basis and baselines.

Every family is refined over a range to a tolerance; then random coefficients of the range are answered by

reduced basis      in the span of all members, with three seeds; of the first K members, for several K; on all points
gradient descent   in the same span as in GPT-PINN: 5,000 steps at a rate of 0.02 from interpolation (Chen &
                   Koohy 2024, doi:10.1016/j.finel.2023.104047), on all points; some of the coefficients only
nearest member     unchanged
interpolation      of the members' fields, by a spline
interpolated answers  of 64 answers over the range, by a spline: what the reduced basis starts from
last layer         of the source's network, by Levenberg-Marquardt; some only
calibration        by PAC from the nearest member; some only
parametric         one network for the range, trained as `solve_family(method="parametric")` does; some only
classical          method of lines at a ladder of resolutions: the coarsest as accurate as the reduced basis; some only

Errors are relative L2 on a regular grid, against references that no solve uses. Predicting and scoring are not timed.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from online_baselines import Scores, add, by_a_classical_solver, by_one_network, by_solving, by_weights, timed

import classical
import pacpinn as pp
from pacpinn.reduced_basis.reduced_model import ReducedModel
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range
from report import Report, options


@dataclass(frozen=True)
class Case:
    """One family: its range, the tolerance, and how many members it may take; whether baselines answer too."""

    problem: str
    within: Range
    tolerance: float
    members: int = 40
    baselines: bool = True


CASES = {
    "burgers": Case("burgers", {"nu": (0.01, 0.05)}, 1e-4),
    "advection": Case("advection", {"beta": (1.0, 10.0)}, 1e-3),
    "allen_cahn": Case("allen_cahn", {"d": (0.004, 0.02)}, 2e-4),
    "oscillator": Case("oscillator", {"damping": (0.2, 4.0)}, 1e-4),
    "heat": Case("heat", {"alpha": (0.1, 0.5)}, 1e-4),
    "reaction_diffusion": Case("reaction_diffusion", {"nu": (0.25, 1.0), "rho": (1.0, 4.0)}, 1e-3),
    "far_advection": Case("advection", {"beta": (1.0, 30.0)}, 2e-3, baselines=False),
}
KS = (3, 5, 7, 9, 12, 15, 20, 25, 40)
QUERIES, AT_ONCE = 200, 10_000
SEEDS = (0, 1, 2)
WHOLE = "all members"
LEAST_MS = 0.01  # at which methods that take no time are drawn
INVERSE, MEASUREMENTS, NOISE = 20, 50, 0.01


def drawn(problem: pp.Problem, within: Range, count: int, seed: int) -> list[Coefficients]:
    """Random coefficients of the range, uniform in their own scale."""
    shares = np.random.default_rng(seed).uniform(size=(count, len(within)))
    return problem.space.box(within).at(shares, problem.source)


def first(online: ReducedModel, count: int, within: Range) -> ReducedModel:
    """In the span of the first members alone."""
    return ReducedModel(replace(online.snapshots, members=online.members[:count]), within)


def reduced(report: Report, name: str, online: ReducedModel, within: Range, score: Scores) -> None:
    """In the span of the first K members, for several K; of all members on all points, and for many at once."""
    for count in [each for each in KS if each < len(online.members)]:
        ask(report, name, "first members", first(online, count, within), score)
    every = first(online, len(online.members), within)
    every.solver.selected_rows = every.solver.all_rows
    ask(report, name, "all members, all points", every, score)
    cs = score.cs * (AT_ONCE // len(score.cs))
    milliseconds, _ = timed(lambda: online.solve(cs))
    report.add(problem=name, way=f"{AT_ONCE} at once", members=len(online.members), ms=milliseconds / AT_ONCE)


def ask(report: Report, name: str, way: str, online: ReducedModel, score: Scores) -> None:
    """One by one, each timed."""
    online.solve(score.cs[:1])
    asked = [timed(partial(online.solve, [c])) for c in score.cs]
    answers = [found for _, (found,) in asked]
    errors = score.of(online.predict(answers, score.x))
    for (milliseconds, _), answer, error in zip(asked, answers, errors, strict=True):
        add(report, name, way, len(online.members), answer.coefficients, milliseconds, error, answer)


def loading(report: Report, name: str, family: pp.Family, c: Coefficients) -> None:
    """From the file to the first answer: derivative tables and modes are computed again."""
    with tempfile.TemporaryDirectory() as folder:
        path = family.save(Path(folder) / "family.pac")
        read, loaded = timed(lambda: pp.load(path))
        made, _ = timed(lambda: loaded.at(doubtful="warn", **c))
    report.add(problem=name, way="load", members=len(family), ms=read)
    report.add(problem=name, way="first answer", members=len(family), ms=made)


def inverse(report: Report, name: str, family: pp.Family, within: Range, score: Scores) -> None:
    """The coefficients from noisy measurements of the solution."""
    rng = np.random.default_rng(2)
    for c, exact in zip(score.cs[:INVERSE], score.exact, strict=False):
        rows = rng.choice(len(exact), MEASUREMENTS, replace=False)
        values = exact[rows] + NOISE * rng.normal(size=exact[rows].shape)
        milliseconds, found = timed(partial(family.identify, score.x[rows], values, NOISE))
        report.rows.append(
            {
                "problem": name,
                "way": "inverse",
                "members": len(family),
                "target": str(c),
                "ms": milliseconds,
                "off": [(found.coefficients[each] - c[each]) / found.deviations[each] for each in within],
                "deviation": [found.deviations[each] / c[each] for each in within],
            }
        )


def measure(report: Report, name: str, case: Case, seed: int, quick: bool) -> None:
    """The whole basis for every seed, everything else for the first seed only."""
    began = time.perf_counter()
    most = 4 if quick else case.members
    family = pp.solve_family(case.problem, within=case.within, tolerance=case.tolerance, members=most, seed=seed)
    offline = time.perf_counter() - began
    refinement = family.refinement
    assert refinement is not None
    report.add(
        problem=name,
        way="offline",
        seed=seed,
        members=len(family.reduced_model.members),
        ms=1000 * offline,
        tolerance=case.tolerance,
        estimate=refinement.reached,
        rounds=[(each.members, each.estimate) for each in refinement.rounds],
    )
    score = Scores(family.problem, drawn(family.problem, case.within, 4 if quick else QUERIES, seed=1))
    ask(report, name, WHOLE, family.reduced_model, score)
    if seed > 0:
        return
    loading(report, name, family, score.cs[0])
    inverse(report, name, family, case.within, score)
    reduced(report, name, family.reduced_model, case.within, score)
    if case.baselines and not quick:
        by_weights(report, name, family.reduced_model, score)
        by_solving(report, name, family, score)
        by_one_network(report, name, case.within, score)
        by_a_classical_solver(report, name, score)


def rows_of(report: Report, name: str, way: str, members: int | None = None) -> list[dict[str, Any]]:
    rows = [row for row in report.rows if (row["problem"], row["way"]) == (name, way)]
    return [row for row in rows if members in (None, row["members"])]


def summarise(report: Report, name: str) -> list[dict[str, Any]]:
    summary = []
    keys = dict.fromkeys((row["way"], row["members"]) for row in report.rows if row["problem"] == name)
    for way, members in keys:
        rows = rows_of(report, name, way, members)
        errors = [row["error"] for row in rows if row.get("error") is not None]
        summary.append(
            {
                "way": way,
                "members": members,
                "queries": len(rows),
                "ms median": median(row["ms"] for row in rows),
                "ms worst": max(row["ms"] for row in rows),
                "error median": median(errors) if errors else None,
                "error worst": max(errors) if errors else None,
            }
        )
    return summary


def claims(report: Report, names: Sequence[str]) -> None:
    every = [row | {"tolerance": CASES[name].tolerance} for name in names for row in rows_of(report, name, WHOLE)]
    share = float(np.mean([0.1 <= row["error"] / row["estimate"] <= 10 for row in every]))
    report.claim("true error within a factor 10 of the estimate", ">= 99 %", f"{share:.1%}", share >= 0.99)
    wrong = sum(row["estimate"] <= row["tolerance"] < row["error"] / 10 for row in every)
    report.claim("estimate within tolerance, error above 10 times", "none", str(wrong), wrong == 0)
    queries = {name: break_even(report, name) for name in names if CASES[name].baselines}
    reached = ", ".join(f"{name} {each:,.0f}" for name, each in queries.items())
    report.claim(
        "queries after which the method of lines has taken longer", "some", reached, min(queries.values()) < math.inf
    )
    if "burgers" in names:
        about_burgers(report)
    if "reaction_diffusion" in names:
        members, worst = most_members(report, "reaction_diffusion"), worst_error(report, "reaction_diffusion")
        reached = f"{members}, {worst:.1e}"
        report.claim("two coefficients", "<= 40 members, <= 1e-3", reached, members <= 40 and worst <= 1e-3)


def about_burgers(report: Report) -> None:
    rows = rows_of(report, "burgers", WHOLE)
    error, ms = median(row["error"] for row in rows), median(row["ms"] for row in rows)
    seconds = max(row["ms"] for row in rows_of(report, "burgers", "offline")) / 1000
    members, worst = most_members(report, "burgers"), worst_error(report, "burgers")
    reached = f"{seconds:.0f} s, {members}"
    report.claim("Burgers offline", "< 60 s, <= 15 members", reached, seconds < 60 and members <= 15)
    reached = f"{worst:.1e}, {error:.1e}"
    report.claim("Burgers, errors", "<= 3e-4, median <= 5e-5", reached, worst <= 3e-4 and error <= 5e-5)
    report.claim("Burgers, a query", "<= 5 ms", f"{ms:.1f} ms", ms <= 5)
    baselines = rows_as_accurate(report, "burgers", error)
    if baselines:
        best = median(row["ms"] for row in baselines)
        name = "Burgers, a query against the method of lines at the same error"
        report.claim(name, f"< {best:.1f} ms", f"{ms:.1f} ms", ms < best)
    many = rows_of(report, "burgers", f"{AT_ONCE} at once")[0]["ms"]
    report.claim(f"Burgers, {AT_ONCE} queries in one call", "<= 1 ms each", f"{many:.2f} ms", many <= 1)
    ms = median(row["ms"] for row in rows_of(report, "burgers", "inverse"))
    report.claim("Burgers, 50 noisy observations to nu", "<= 20 ms", f"{ms:.0f} ms", ms <= 20)


def break_even(report: Report, name: str) -> float:
    """From how many queries on offline stage and queries take less than the method of lines at the same error."""
    rows = rows_of(report, name, WHOLE)
    baselines = rows_as_accurate(report, name, median(row["error"] for row in rows))
    saved = median(row["ms"] for row in baselines) - median(row["ms"] for row in rows) if baselines else 0.0
    return median(row["ms"] for row in rows_of(report, name, "offline")) / saved if saved > 0 else math.inf


def most_members(report: Report, name: str) -> int:
    return max(row["members"] for row in rows_of(report, name, "offline"))


def worst_error(report: Report, name: str) -> float:
    return max(row["error"] for row in rows_of(report, name, WHOLE))


def rows_as_accurate(report: Report, name: str, error: float) -> list[dict[str, Any]]:
    """The rows of the classical solver at the coarsest resolution whose median error is no larger."""
    for resolution in classical.RESOLUTIONS:
        rows = rows_of(report, name, f"classical, {resolution}")
        if rows and median(row["error"] for row in rows) <= error:
            return rows
    return []


def figure(report: Report, names: Sequence[str]) -> Figure:
    """Error against milliseconds: one panel per family; the median, and a line up to the worst."""
    shown = Figure(figsize=(4 * min(3, len(names)), 3.4 * -(-len(names) // 3)), layout="constrained")
    axes = shown.subplots(-(-len(names) // 3), min(3, len(names)), squeeze=False)
    for axis, name in zip(axes.flat, names, strict=False):
        for row in summarise(report, name):
            if row["error median"] is not None:
                way = row["way"].split(",")[0]
                place = max(row["ms median"], LEAST_MS)
                axis.loglog(place, row["error median"], MARKS[way], label=way)
                axis.vlines(place, row["error median"], row["error worst"], colors="grey", linewidth=0.5)
        axis.set(title=name, xlabel="milliseconds a query", ylabel="relative L2 error")
    handles = dict(zip(*reversed(axes.flat[0].get_legend_handles_labels()), strict=True))
    shown.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize=8)
    return shown


def decay(report: Report, names: Sequence[str]) -> Figure:
    """How errors fall with the number of members: the worst query, and the estimate of the greedy choice."""
    shown = Figure(figsize=(10, 4), layout="constrained")
    errors, estimates = shown.subplots(1, 2, sharex=True, sharey=True)
    for name in names:
        rows = {row["members"]: row["error worst"] for row in summarise(report, name) if row["way"] in SPANS}
        errors.semilogy(sorted(rows), [rows[count] for count in sorted(rows)], ".-", label=name)
        estimates.semilogy(*zip(*rows_of(report, name, "offline")[0]["rounds"], strict=True), ".-")
    errors.set(xlabel="members", ylabel="relative L2 error", title="worst of the queries")
    estimates.set(xlabel="members", title="worst of the range, as estimated on the way")
    for axes in (errors, estimates):
        axes.grid(alpha=0.25, linewidth=0.6)
    shown.legend(loc="outside right center", frameon=False)
    return shown


SPANS = ("first members", WHOLE)
MARKS = {
    "first members": "C0.",
    WHOLE: "C0o",
    "gradient descent": "C1s",
    "nearest member": "C2^",
    "interpolation": "C3v",
    "interpolated answers": "C8<",
    "last layer": "C4D",
    "calibration": "C5*",
    "parametric": "C6P",
    "classical": "kx",
}


def main() -> None:
    chosen = options(__doc__ or "", parts=list(CASES))
    report = Report("online", chosen.quick)
    report.keep(chosen.output, {"problem": chosen.only})
    for name in chosen.only:
        for seed in SEEDS[:1] if chosen.quick else SEEDS:
            measure(report, name, CASES[name], seed, chosen.quick)
    names = [name for name in CASES if rows_of(report, name, "offline")]
    for name in names:
        rows = summarise(report, name)
        report.table(name, list(rows[0]), rows)
    claims(report, names)
    report.write(chosen.output)
    figure(report, [name for name in names if CASES[name].baselines]).savefig(chosen.output / "online.png", dpi=150)
    decay(report, names).savefig(chosen.output / "online_decay.png", dpi=150)


if __name__ == "__main__":
    main()
