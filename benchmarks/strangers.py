"""First-time users' problems: own units, textbook conditions, nothing tuned. How many are solved, and is an error told?

Each case of `strangers_cases` is solved at each seed, in a process of its own: the family of its targets; where it has
measurements, 95 % intervals over draws of the noise; with ``--within`` a family over its range, and random answers in
between. `strangers_errors.py` says what a case is and what counts as its error, `strangers_measured.py` what is asked
of it.

    python benchmarks/strangers.py --output benchmarks/results
    python benchmarks/strangers.py --within --only quadratic_decay hopf --seeds 2 --output benchmarks/results

``--quick`` takes three cheap cases if none is named, one seed, five draws and twenty answers.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from processes import in_a_process
from report import Report, console, options
from strangers_measured import Asked, Row
from strangers_report import claims, condensed, failures, figure, table, table_between

HERE = Path(__file__).parent
CASES = sorted(path.stem for path in (HERE / "strangers_cases").glob("*.py"))
QUICK_CASES = ["beam_slope", "fokker_planck", "quadratic_decay"]
SEEDS, DRAWS, QUICK_DRAWS, ANSWERS, QUICK_ANSWERS = (0, 1, 2), 100, 5, 200, 20
TOLERANCE, TIMEOUT = 1e-2, 900.0


def measure(report: Report, names: list[str], asked: list[Asked], at_once: int, timeout: float) -> None:
    """All cases at all seeds, `at_once` of them at a time."""

    def one(job: tuple[str, Asked]) -> list[Row]:
        name, each = job
        found = in_a_process("strangers_measured.py", [name, json.dumps(asdict(each))], each.threads, timeout)
        rows = condensed(name, each.seed, found)
        family = rows[0]
        outcome = "reached" if family["reached"] else "NOT reached"
        console.print(f"{name}, seed {each.seed}: goal {outcome}, {rows[-1]['seconds']:.0f} s in all", highlight=False)
        return rows

    with ThreadPoolExecutor(at_once) as pool:
        for rows in pool.map(one, [(name, each) for name in names for each in asked]):
            report.rows += rows


def more_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds of the solves")
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws of the noise of measurements")
    within = "solve families over the ranges too, to this tolerance; without a value 1e-2"
    parser.add_argument("--within", type=float, nargs="?", const=TOLERANCE, metavar="TOLERANCE", help=within)
    parser.add_argument("--at-once", type=int, choices=(1, 2), default=1, help="processes at a time")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help="seconds of a case at one seed, all in all")


def requests(chosen: argparse.Namespace) -> tuple[list[str], list[Asked]]:
    """The cases, and what is asked of each."""
    quick, names = chosen.quick, list(chosen.only)
    if quick and names == CASES:
        names = QUICK_CASES
    draws = min(chosen.draws, QUICK_DRAWS) if quick else chosen.draws
    answers = QUICK_ANSWERS if quick else ANSWERS
    seeds = chosen.seeds[:1] if quick else chosen.seeds
    return names, [Asked(seed, draws, chosen.within, answers, chosen.threads) for seed in seeds]


def main() -> None:
    chosen = options(__doc__ or "", threads=1, parts=CASES, more=more_options)
    names, asked = requests(chosen)
    report = Report("strangers", chosen.quick)
    report.keep(chosen.output, {"case": names, "seed": [each.seed for each in asked]})
    measure(report, names, asked, chosen.at_once, chosen.timeout)
    report.rows.sort(key=lambda row: (row["case"], row["seed"]))
    for shown in (table(report.rows), table_between(report.rows)):
        if shown is not None:
            console.print(shown, width=80)
    for line in failures(report.rows):
        console.print(line, width=80, markup=False, highlight=False)
    claims(report)
    report.write(chosen.output)
    figure(report.rows).savefig(chosen.output / "strangers.png", dpi=150)


if __name__ == "__main__":
    main()
