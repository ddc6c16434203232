"""Where does the time of a Levenberg-Marquardt step go, and which predictor is worth its cost?

Burgers' equation on 1,024 points. First the parts of a step of calibration, at 908 of 1,297 free weights and at 672 of
2,241, against the whole step of the solver: medians of several rounds. Then, from each of 24 solved viscosities to the
next: the first loss, and steps and seconds from there to the tolerance, for several predictors.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

import pacpinn as pp
from as_measured import get_problem
from pacpinn.networks.objective import Objective
from pacpinn.solvers.normal_equations import Damped, NormalEquations, cost
from report import Report, options

SIZES = [(24, 0.3, 1.6), (32, 0.7, 2.5)]  # width of three layers, keep, largest ratio asked for
STEPS = 10  # of a timed solve
SHARES = (1.0, 0.01)  # of the solver's first damping, for predictors
NEARBY = 1e-3  # of the step to the target: for the central difference in the coefficient
PARTS = (
    "residuals",
    "linearisation",
    "Jacobian",
    "JᵀJ",
    "both halves",
    "factorisation",
    "damping too",
    "solves",
    "fresh check",
    "whole step",
)
PARENT, SECANT, FIRST_STEP = "parent's weights", "secant", "corrector's own first step"


def burgers(width: int) -> pp.Problem:
    kind = type(get_problem("burgers"))
    return type("Burgers", (kind,), {"hidden": (width,) * 3, "points": pp.Points(domain=1024)})()


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds that a function takes, and its result."""
    began = time.perf_counter()
    found = action()
    return 1000 * (time.perf_counter() - began), found


def parts_of_a_step(
    report: Report, width: int, keep: float, threads: int, repeats: int, settings: dict[str, Any]
) -> None:
    """A step of the calibration to nu = 0.04 from the source at 0.05, where most steps are accepted."""
    family = pp.solve_family(burgers(width), targets=[{"nu": 0.045}], keep=keep, halvings=0, bases=1, **settings)
    task, masked = family.problem.task(nu=0.04), family.bases[0].masked
    task.tolerance = 0.0  # never reached: every solve takes all of its steps, and checks no fresh points
    objective = Objective(task, masked, family.task().penalty)
    z = masked.start[None]
    solver = pp.LevenbergMarquardt(max_steps=STEPS, patience=STEPS)
    for count in sorted({1, threads}):
        torch.set_num_threads(count)
        runs = [one_run(objective, z, solver) for _ in range(repeats + 1)][1:]  # the first warms up
        result = solver(objective, z[0])
        accepted = len(result.history) - 1
        # A step after a rejected one reuses its JᵀJ: only those that the solve computed are counted.
        algebra = [accepted / result.steps * run["JᵀJ"] + run["factorisation"] for run in runs]
        report.add(
            table="parts",
            width=width,
            free=z.shape[1],
            of=len(masked.weights),
            threads=count,
            **{part: median(run[part] for run in runs) for part in PARTS},
            ratio=median(run["whole step"] / each for run, each in zip(runs, algebra, strict=True)),
            accepted=f"{accepted} of {result.steps}",
        )
    torch.set_num_threads(threads)


def one_run(objective: Objective, z: Tensor, solver: pp.LevenbergMarquardt) -> dict[str, float]:
    """Milliseconds of each part, and of a step of a whole solve."""
    run: dict[str, float] = {}
    run["residuals"], _ = timed(lambda: objective.residuals(z))
    run["linearisation"], now = timed(lambda: objective.linearise(z))
    run["Jacobian"], jacobian = timed(lambda: now.jacobian)
    normal = NormalEquations(jacobian, now.residuals, z - objective.centre, objective.penalty)
    mu = solver.damping * cost(normal.residuals, normal.delta, normal.penalty).sqrt()
    run["JᵀJ"], _ = timed(lambda: normal.gram)  # only its lower half is needed
    run["both halves"], _ = timed(lambda: jacobian.mT @ jacobian)
    run["damping too"], damped = timed(lambda: normal.damped(mu))
    matrix = normal.gram + torch.diag_embed(damped.shift)
    run["factorisation"], _ = timed(lambda: torch.linalg.cholesky_ex(matrix))
    run["solves"], _ = timed(lambda: directions(normal, damped))
    objective.fresh_misfit(z)  # draws the fresh points, once
    run["fresh check"], _ = timed(lambda: objective.fresh_misfit(z))
    milliseconds, result = timed(lambda: solver(objective, z[0]))
    run["whole step"] = milliseconds / result.steps
    return run


def directions(normal: NormalEquations, damped: Damped) -> Tensor:
    """What the solver computes with a factorisation: step, change along the step, correction."""
    return damped.correction(normal.along(damped.step()))


def predictors(report: Report, count: int, settings: dict[str, Any]) -> None:
    """From every member of a chain to the next, on their family's base."""
    targets = pp.grid(nu=np.geomspace(0.05, 0.01, 25)[1:])[:count]
    family = pp.solve_family(get_problem("burgers"), targets=targets, bases=1, **settings)
    for member in family.targets:
        parent = family[member.parent]
        objective = of(family, member)
        for kind, guess in kinds(family, parent, member).items():
            milliseconds, z = timed(guess)
            result = pp.LevenbergMarquardt()(objective, z[0])
            report.add(
                table="predictors",
                predictor=kind,
                target=str(member.coefficients),
                loss=float(objective.residuals(z).square().sum()),
                milliseconds=milliseconds,
                status=str(result.status),
                steps=result.steps + (kind == FIRST_STEP),
                total=milliseconds / 1000 + result.seconds,
            )


def of(family: pp.Family, member: pp.Solution) -> Objective:
    """The objective of a member, with its points drawn."""
    task = family.task(**member.coefficients)
    objective = Objective(task, family.bases[0].masked, task.penalty)
    objective.residuals(member.z[None])
    return objective


def kinds(family: pp.Family, parent: pp.Solution, member: pp.Solution) -> dict[str, Callable[[], Tensor]]:
    """Predictors of the weights ``(1, p)`` of a member from its parent's."""
    there, here, z = of(family, member), of(family, parent), parent.z[None]
    solver = pp.LevenbergMarquardt()
    guesses: dict[str, Callable[[], Tensor]] = {PARENT: lambda: z}
    if parent.parent is not None:
        guesses[SECANT] = lambda: secant(family, parent, member)
    guesses[FIRST_STEP] = lambda: pp.LevenbergMarquardt(max_steps=1)(there, z[0]).z[None]
    for share in SHARES:
        suffix = "" if share == 1 else f", damping x {share:g}"
        guesses[f"damped Gauss-Newton step{suffix}"] = lambda share=share: (
            z + least_squares(there, z, there.residuals(z), share * solver.damping)
        )
        guesses[f"true tangent{suffix}"] = lambda share=share: (
            z + least_squares(here, z, towards(family, parent, member), share * solver.damping)
        )
    return guesses


def secant(family: pp.Family, parent: pp.Solution, member: pp.Solution) -> Tensor:
    """The secant through the parent and its own parent, extrapolated to the member's coefficients."""
    before = family[parent.parent]
    share = family.problem.space.beyond(before.coefficients, parent.coefficients, member.coefficients)
    return (parent.z + share * (parent.z - before.z))[None]


def towards(family: pp.Family, parent: pp.Solution, member: pp.Solution) -> Tensor:
    """Change of the residuals ``(1, m)`` at the parent's weights from its coefficients to the member's, linearised."""
    ahead, behind = (
        Objective(
            family.problem.task(**family.problem.space.between(parent.coefficients, member.coefficients, share)),
            family.bases[0].masked,
        ).residuals(parent.z[None])
        for share in (NEARBY, -NEARBY)
    )
    return (ahead - behind) / (2 * NEARBY)


def least_squares(objective: Objective, z: Tensor, residuals: Tensor, damping: float) -> Tensor:
    """The step `d` that makes ``residuals + J d`` small, damped by their size as the solver's first step is."""
    jacobian = objective.linearise(z).jacobian
    normal = NormalEquations(jacobian, residuals, torch.zeros_like(z), objective.penalty)
    return normal.damped(damping * cost(normal.residuals, normal.delta, normal.penalty).sqrt().clamp(max=1)).step()


def rows_of(report: Report, table: str) -> list[dict[str, Any]]:
    return [row for row in report.rows if row["table"] == table]


def summarise(report: Report) -> list[dict[str, Any]]:
    """One row per predictor: its loss against that of the parent's weights, and what it saves the corrector."""
    rows = rows_of(report, "predictors")
    parents = {row["target"]: row["loss"] for row in rows if row["predictor"] == PARENT}
    summary = []
    for kind in dict.fromkeys(row["predictor"] for row in rows):
        own = [row for row in rows if row["predictor"] == kind]
        ratios = [row["loss"] / parents[row["target"]] for row in own]
        summary.append(
            {
                "predictor": kind,
                "targets": len(own),
                "loss, of the parent's": median(ratios),
                "smaller": f"{mean(ratio < 1 for ratio in ratios):.0%}",
                "its ms": median(row["milliseconds"] for row in own),
                "converged": sum(row["status"] == "converged" for row in own),
                "steps to tolerance": mean(row["steps"] for row in own),
                "seconds, all": mean(row["total"] for row in own),
            }
        )
    return summary


def claims(report: Report) -> None:
    for row in rows_of(report, "parts"):
        most = next(most for width, _, most in SIZES if width == row["width"])
        name = f"{row['free']} of {row['of']} free, {row['threads']} threads: a whole step over JᵀJ and factorisation"
        report.claim(name, f"<= {most}", f"{row['ratio']:.2f}", row["ratio"] <= most)


def figure(report: Report) -> Figure:
    """Parts of a step, side by side, against the whole step."""
    rows = rows_of(report, "parts")
    shown = Figure(figsize=(10, 1 + 0.8 * len(rows)), layout="constrained")
    axis = shown.subplots()
    names = [f"{row['free']} of {row['of']}, {row['threads']} threads" for row in rows]
    left = np.zeros(len(rows))
    for part in ("residuals", "linearisation", "Jacobian", "JᵀJ", "damping too", "solves"):
        width = np.array([row[part] for row in rows])
        axis.barh(names, width, left=left, label=part.replace("damping too", "damping and factorisation"))
        left += width
    axis.plot([row["whole step"] for row in rows], names, "k|", markersize=20, label="whole step")
    axis.invert_yaxis()
    axis.set(xlabel="milliseconds")
    shown.legend(loc="outside right upper", fontsize=8)
    return shown


def main() -> None:
    chosen = options(__doc__ or "")
    report = Report("solver_parts", chosen.quick)
    settings: dict[str, Any] = {"tolerance": 0.05} if chosen.quick else {}
    for width, keep, _ in SIZES:
        parts_of_a_step(report, width, keep, chosen.threads, 2 if chosen.quick else 15, settings)
    predictors(report, 2 if chosen.quick else 24, settings)
    columns = ["free", "of", "threads", *PARTS, "ratio", "accepted"]
    report.table("Milliseconds of a step's parts", columns, rows_of(report, "parts"))
    summary = summarise(report)
    report.table("Predictors", list(summary[0]), summary)
    claims(report)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "solver_parts.png", dpi=150)


if __name__ == "__main__":
    main()
