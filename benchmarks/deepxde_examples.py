"""DeepXDE's own forward examples as families, through `from_deepxde`: does existing DeepXDE code work unchanged?

Each example of `deepxde_set_ups.py` is solved at its own coefficient and, from there, at three others; errors are
relative L2 against the exact solution.
"""

from __future__ import annotations

import time
from statistics import median

import pacpinn as pp
from deepxde_set_ups import EXAMPLES
from report import Report, options

ASKED = 12


def measure(report: Report, name: str) -> None:
    problem = EXAMPLES[name].problem(name)
    began = time.perf_counter()
    family = pp.solve_family(problem)
    errors = [row["error"] for row in family.table()]
    report.add(
        example=name,
        points=len(problem.data(problem.source).train_x),
        converged=sum(each.status == "converged" for each in family.values()),
        members=len(family),
        error_median=median(errors),
        error_worst=max(errors),
        seconds=time.perf_counter() - began,
    )


def main() -> None:
    chosen = options(__doc__ or "", parts=list(EXAMPLES))
    report = Report("deepxde_examples", chosen.quick)
    report.keep(chosen.output, {"example": chosen.only})
    for name in chosen.only[:1] if chosen.quick else chosen.only:
        measure(report, name)
    report.table("DeepXDE's examples", list(report.rows[0]), report.rows)
    solved = [row["example"] for row in report.rows if row["converged"] == row["members"]]
    report.claim("examples that are solved as families", f">= {ASKED}", str(len(solved)), len(solved) >= ASKED)
    report.write(chosen.output)


if __name__ == "__main__":
    main()
