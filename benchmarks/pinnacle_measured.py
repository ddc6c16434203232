"""What is measured of one case of `pinnacle_cases` at one seed, in a process of its own.

The case as the paper has it is solved first, alone; then the family is extended to each further coefficient. Each row
goes to a file as soon as it is known.

    python benchmarks/pinnacle_measured.py ROWS.jsonl CASE FOLDER SEED THREADS EFFORT
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch

import pacpinn as pp
from pinnacle_data import case
from strangers_errors import Case
from strangers_measured import TOLD, Emit, Row, label, listening, member, short

UNKNOWN: Row = {"error": None, "plain": None, "estimate": None, "bound": None, "warnings": []}
ALREADY = "left out of the targets"  # said because a family of its source alone is asked for


def measure(stated: Case, seed: int, effort: str, emit: Emit) -> None:
    """A row of part "member" for the case's own coefficients, then for each of its targets."""
    problem, family = stated.problem(), None
    for target in [{}, *stated.targets]:
        c = problem.at(target)
        began = time.perf_counter()
        row: Row = {"part": "member", "stated": not target, "coefficients": label(c), "status": "raised", **UNKNOWN}
        try:
            stated.exact(stated.points(c, 1), c)  # a file that is missing is told before any work
            with listening() as told:
                family = solved(problem, family, c, seed, effort)
            row["seconds"] = time.perf_counter() - began
            row |= {**member(stated, family, c), "warnings": [line for line in told if ALREADY not in line][:TOLD]}
        except Exception as error:  # whatever goes wrong is what is to be told
            row |= {"seconds": time.perf_counter() - began, "message": short(error)}
        emit(row)
        if family is None:
            return


def solved(problem: pp.Problem, family: pp.Family | None, c: pp.Coefficients, seed: int, effort: str) -> pp.Family:
    """The family with a member at `c`; a new one, of that member alone, if there is none yet."""
    if family is None:
        return pp.solve_family(problem, source=c, targets=[c], seed=seed, effort=effort)
    family.extend([c])
    return family


def main() -> None:
    path, name, folder, seed, threads, effort = sys.argv[1:]
    torch.set_num_threads(int(threads))
    with Path(path).open("w") as file:
        measure(case(name, Path(folder)), int(seed), effort, lambda row: print(json.dumps(row), file=file, flush=True))


if __name__ == "__main__":
    main()
