"""What comes from the solver, what from precision, exact conditions and transfer? Burgers in all combinations.

Every cell solves the same three viscosities once: by Levenberg-Marquardt or by Adam and L-BFGS as in DeepXDE, in
float32 or float64, with exact or with DeepXDE's soft conditions, from scratch, by fine-tuning along the path or by PAC.
All have one network, one set of points inside the domain and one tolerance.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from statistics import mean, median
from typing import Any

import deepxde as dde
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

import pacpinn as pp
from as_measured import Burgers
from report import Report, options


class SoftBurgers(Burgers):
    """Burgers with DeepXDE's initial and boundary conditions in the loss."""

    points = pp.Points(domain=1536, boundary=80, initial=160)

    def conditions(self, geometry: Any, c: pp.Coefficients) -> Sequence[Any]:
        return [
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda _, on_boundary: on_boundary),
            dde.icbc.IC(geometry, lambda x: -np.sin(np.pi * x[:, 0:1]), lambda _, on_initial: on_initial),
        ]

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        return y


FACTORS: dict[str, dict[str, Any]] = {
    "solver": {"Levenberg-Marquardt": None, "Adam, L-BFGS": [pp.Adam(steps=2000), pp.LBFGS(steps=1000)]},
    "precision": {"float64": torch.float64, "float32": torch.float32},
    "conditions": {"exact": Burgers(), "soft": SoftBurgers()},
    "transfer": {"pac": "pac", "fine-tuning": "fine-tuning", "none": "from-scratch"},
}
TARGETS = pp.grid(nu=[0.04, 0.03, 0.02])


def solve(report: Report, cell: dict[str, str], targets: list[dict[str, float]]) -> None:
    solver, dtype, problem, method = (FACTORS[factor][level] for factor, level in cell.items())
    # If a target fails, no intermediate coefficients are tried: they would fail too.
    family = pp.solve_family(problem, targets=targets, solver=solver, dtype=dtype, method=method, halvings=0, bases=1)
    report.add(
        **cell,
        converged=sum(each.status == "converged" for each in family.targets),
        targets=len(targets),
        source=family.source.seconds,
        seconds=median(each.seconds for each in family.targets),
        residual=max(each.residual for each in family.targets),
        error=median(each.score.value for each in family.targets if each.score),
        worst=max(each.score.value for each in family.targets if each.score),
    )


def effects(report: Report) -> list[dict[str, Any]]:
    """For each level of each factor the geometric mean over all combinations of the other factors."""
    found = []
    for factor, levels in FACTORS.items():
        for level in levels:
            rows = [row for row in report.rows if row[factor] == level]
            if rows:
                seconds, error = (float(np.exp(mean(np.log(row[of]) for row in rows))) for of in ("seconds", "error"))
                found.append({"factor": factor, "level": level, "seconds a target": seconds, "error": error})
    return found


def figure(report: Report) -> Figure:
    shown = Figure(figsize=(7, 4.6), layout="constrained")
    axis = shown.subplots()
    for colour, (solver, transfer) in enumerate(itertools.product(FACTORS["solver"], FACTORS["transfer"])):
        rows = [row for row in report.rows if (row["solver"], row["transfer"]) == (solver, transfer)]
        for (precision, conditions), marker in zip(
            itertools.product(FACTORS["precision"], FACTORS["conditions"]), "o^s*", strict=True
        ):
            some = [row for row in rows if (row["precision"], row["conditions"]) == (precision, conditions)]
            label = f"{solver}, {transfer}" if marker == "o" else None
            axis.loglog(
                [row["seconds"] for row in some],
                [row["error"] for row in some],
                marker,
                color=f"C{colour}",
                label=label,
            )
    axis.set(
        xlabel="seconds a target (median)",
        ylabel="relative L2 error (median)",
        title="circles: float64, exact; triangles: float64, soft;\nsquares: float32, exact; stars: float32, soft",
    )
    axis.legend(fontsize="small")
    return shown


def main() -> None:
    chosen = options(__doc__ or "")
    report = Report("factorial", chosen.quick)
    for levels in itertools.product(*FACTORS.values()):
        cell = dict(zip(FACTORS, levels, strict=True))
        if not chosen.quick or (cell["solver"] == "Levenberg-Marquardt" and cell["precision"] == "float64"):
            solve(report, cell, TARGETS[:1] if chosen.quick else TARGETS)
    report.table(
        "Cells",
        ["solver", "precision", "conditions", "transfer", "converged", "seconds", "error", "worst"],
        report.rows,
    )
    report.table("Effects", ["factor", "level", "seconds a target", "error"], effects(report))
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "factorial.png", dpi=150)


if __name__ == "__main__":
    main()
