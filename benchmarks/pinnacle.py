"""PINNacle's problems with the library's defaults, beside the errors that its paper prints for eleven methods.

All but the effort is the default: 300 seconds, so that a solve that fails ends within ten minutes. Each case of
`pinnacle_cases` is stated as PINNacle's repository states it (i207M/PINNacle, arXiv:2306.08827), and solved in a
process of its own; `pinnacle_data.py` reads the reference solutions, which are PINNacle's too, from a folder. The
speeds of the lid-driven cavity are one family.

    python benchmarks/pinnacle.py --data ../shared/pinnacle --output benchmarks/results
    python benchmarks/pinnacle.py --only wave_1d cavity --seeds 0 --output benchmarks/results

``--quick`` takes two cheap cases if none is named, and one seed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pinnacle_data import HERE, case
from pinnacle_report import MOST_SECONDS, claims, comparisons, failures, figure, kept, table, table_of_families
from processes import in_a_process
from report import Report, console, options

SHARED = ("flow",)  # what cases share is no case
CASES = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in SHARED)
QUICK_CASES = ["poisson_1d", "wave_1d"]
SEEDS = (0, 1, 2)
EFFORT = "300 s"  # of tries to solve the source; pruning and allocation may take as many again
DATA = HERE.parents[2] / "shared" / "pinnacle"


def more_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of PINNacle's reference solutions")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds of the solves")
    allowed = "seconds of each member of a case at one seed"
    parser.add_argument("--effort", default=EFFORT, help="of each solve")
    parser.add_argument("--timeout", type=float, default=MOST_SECONDS, help=allowed)


def requests(chosen: argparse.Namespace) -> tuple[list[str], list[int]]:
    """The cases, and the seeds of each."""
    names = QUICK_CASES if chosen.quick and list(chosen.only) == CASES else list(chosen.only)
    return names, chosen.seeds[:1] if chosen.quick else chosen.seeds


def measure(report: Report, names: list[str], seeds: list[int], chosen: argparse.Namespace) -> None:
    """All cases at all seeds, one after the other."""
    for name in names:
        members = 1 + len(case(name, chosen.data).targets)
        for seed in seeds:
            words = [name, str(chosen.data), str(seed), str(chosen.threads), chosen.effort]
            found = in_a_process("pinnacle_measured.py", words, chosen.threads, members * chosen.timeout)
            rows = kept(name, seed, found)
            report.rows += rows
            error, best = comparisons(rows)[0].error, comparisons(rows)[0].best
            console.print(f"{name}, seed {seed}: error {error}, best of the paper {best}", highlight=False)


def main() -> None:
    chosen = options(__doc__ or "", threads=1, parts=CASES, more=more_options)
    names, seeds = requests(chosen)
    report = Report("pinnacle", chosen.quick)
    report.keep(chosen.output, {"case": names, "seed": seeds})
    measure(report, names, seeds, chosen)
    report.rows.sort(key=lambda row: (row["case"], row["seed"]))
    for shown in (table(report.rows), table_of_families(report.rows)):
        if shown is not None:
            console.print(shown, width=80)
    for line in failures(report.rows):
        console.print(line, width=80, markup=False, highlight=False)
    claims(report)
    report.write(chosen.output)
    figure(report.rows).savefig(chosen.output / "pinnacle.png", dpi=150)


if __name__ == "__main__":
    main()
