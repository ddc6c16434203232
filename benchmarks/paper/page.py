"""The tables and figures of RESULTS.md, from the rows that compare.py and parts.py wrote.

Run it after them: `python benchmarks/paper/page.py --output benchmarks/results`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

sys.path.insert(0, str(Path(__file__).parents[1]))

from paper.parts import TASKS, of_parts
from paper.tasks import KINDS
from paper.variants import VARIANTS
from paper.verdict import PAC, Row, holm, middle, outcomes, paired, values_of
from report import options

PAGE = Path(__file__).parent / "RESULTS.md"
MARKED = re.compile(r"(<!-- (?P<name>[\w, ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
BAND = (0.9, 1 / 0.9)  # no difference that counts


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def brief(value: float) -> str:
    return f"{value:.2g}" if value < 1 else f"{value:.3g}"


def short(task: str, solver: str) -> str:
    return f"{task}, LM" if solver.startswith("Leven") else task


def tasks_of(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Rows by task and solver."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["task"], row["solver"]), []).append(row)
    return found


def targets(rows: Sequence[Row], kind: str) -> str:
    """Mean and interval of every method on the tasks of a kind, the best of each in bold."""
    here = tasks_of([row for row in rows if row["kind"] == kind])
    ways = [way for way in dict.fromkeys(row["way"] for row in rows if row["kind"] == kind) if "copy" not in way]
    cells: dict[str, list[str]] = {way: [way] for way in ways}
    for of_task in here.values():
        centres = {way: middle(values_of(of_task, way), kind) for way in ways if values_of(of_task, way).size}
        best = min(centre for centre, _, _ in centres.values())
        for way in ways:
            if way not in centres:
                cells[way].append("")
                continue
            centre, low, high = centres[way]
            shown = f"**{brief(centre)}**" if centre == best else brief(centre)
            cells[way].append(f"{shown} ({brief(low)} to {brief(high)})")
    return table(["method", *(short(*key) for key in here)], list(cells.values()))


def verdict(rows: Sequence[Row]) -> str:
    """For or against the claim, or equal: the verdict of each task."""
    lines = [
        [
            short(each["task"], each["solver"]),
            brief(each["PAC's"]),
            brief(each["the baseline's"]) + f" ({each['baseline']})",
            f"{each['p']:.2g}",
            each["counts"],
        ]
        for each in outcomes(rows)
    ]
    return table(["task", "PAC", "best baseline", "p", "counts as"], lines)


def memory(rows: Sequence[Row]) -> str:
    """The source before and after a target, and what a target stores, on the first task of each kind."""
    lines = []
    for kind in KINDS:
        (task, _), of_task = next(iter(tasks_of([row for row in rows if row["kind"] == kind]).items()))
        for way in dict.fromkeys(row["way"] for row in of_task):
            before, after = (middle(values_of(of_task, way, each), kind)[0] for each in ("source before", "source"))
            unchanged = all(row["same bits"] for row in of_task if row["way"] == way)
            stored = float(values_of(of_task, way, "bytes").mean())
            same = "yes" if unchanged else "no"
            lines.append([task, way, brief(before), brief(after), same, f"{stored / 1000:.1f}"])
    return table(["task", "method", "source before", "source after", "same bits", "kB a target"], lines)


def variants(rows: Sequence[Row]) -> str:
    """Each variant against PAC as published, corrected over variants."""
    lines = []
    for key, of_task in tasks_of(rows).items():
        kind, ours = of_task[0]["kind"], values_of(of_task, PAC)
        theirs = {way: values_of(of_task, way) for way in VARIANTS}
        corrected = holm([paired(ours, values) for values in theirs.values()])
        for (way, values), p in zip(theirs.items(), corrected, strict=True):
            lines.append([short(*key), way, *(brief(middle(each, kind)[0]) for each in (ours, values)), f"{p:.2g}"])
    return table(["task", "variant", "PAC as published", "the variant", "p"], lines)


def parts(rows: Sequence[Row]) -> str:
    """Every ablation."""
    lines = []
    for task in TASKS:
        for line in of_parts([row for row in rows if row["task"] == task and row["what"] == "part"]):
            interval = f"{brief(line['target'])} ({brief(line['from'])} to {brief(line['to'])})"
            lines.append([task, line["way"], interval, f"{line['p']:.2g}", brief(line["source"])])
    return table(["task", "", "target", "p", "source"], lines)


def figure(rows: Sequence[Row]) -> Figure:
    """Every method's mean over PAC's, one line per task: to the right of 1 PAC is better."""
    of_kinds = {kind: tasks_of([row for row in rows if row["kind"] == kind]) for kind in KINDS}
    ways = [way for way in dict.fromkeys(row["way"] for row in rows) if way != PAC and "copy" not in way]
    shown = Figure(figsize=(9, 1 + 0.3 * sum(map(len, of_kinds.values()))), layout="constrained")
    heights = [max(len(each), 1) for each in of_kinds.values()]
    for axes, (kind, of_kind) in zip(
        shown.subplots(len(KINDS), 1, height_ratios=heights), of_kinds.items(), strict=True
    ):
        axes.axvspan(*BAND, color="0.9", linewidth=0)
        for number, way in enumerate(ways):
            there = [(i, each) for i, each in enumerate(of_kind.values()) if values_of(each, way).size]
            ratios = [middle(values_of(e, way), kind)[0] / middle(values_of(e, PAC), kind)[0] for _, e in there]
            places = [i + 0.06 * (number - len(ways) / 2) for i, _ in there]
            axes.plot(ratios, places, "osD^vP*X<>"[number % 10], markersize=5, color=f"C{number}", label=way)
        axes.set_yticks(range(len(of_kind)), [short(*key) for key in of_kind], fontsize=8)
        axes.set_ylim(max(len(of_kind), 1) - 0.5, -0.5)
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        axes.xaxis.set_major_locator(LogLocator(subs=ticks(high / low)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.tick_params(labelsize=8)
        axes.set_title(kind, fontsize=9, loc="left")
        axes.axvline(1, color="0.4", linewidth=0.8)
        axes.grid(axis="y", alpha=0.3)
    shown.axes[-1].set_xlabel("error over PAC's (beyond 1, PAC is better; grey: less than 10 %)")
    shown.legend(*shown.axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=8)
    return shown


def ticks(ratio: float) -> tuple[float, ...]:
    """Which multiples of powers of ten fit on a logarithmic axis whose ends have this ratio."""
    if ratio > 1000:
        return (1,)
    return (1, 2, 5) if ratio > 10 else (1, 1.2, 1.5, 2, 3, 4, 6, 8, 9)


def comparison(name: str, rows: Sequence[Row]) -> dict[str, str]:
    """The tables of one run, by their marks in the page."""
    found = {kind: targets(rows, kind) for kind in KINDS} | {"verdict": verdict(rows), "memory": memory(rows)}
    if any(row["way"] in VARIANTS for row in rows):
        found["variants"] = variants(rows)
    return {f"{table}, {name}": text for table, text in found.items()}


def filled(page: str, tables: dict[str, str]) -> str:
    """A page with the tables between its marks, such as ``<!-- verdict, open -->`` and ``<!-- end -->``.

    Marks without a new table keep their present text.
    """

    def between(mark: re.Match[str]) -> str:
        name = mark["name"]
        return f"{mark[1]}{tables[name]}\n{mark[3]}" if name in tables else mark[0]

    return MARKED.sub(between, page)


def main() -> None:
    chosen = options(__doc__ or "", threads=1)
    tables: dict[str, str] = {}
    for name, file in (("open", "paper"), ("held out", "paper_held_out"), ("parts", "paper_parts")):
        path = chosen.output / f"{file}.json"
        if path.is_file():
            rows = sorted(json.loads(path.read_text())["rows"], key=lambda row: KINDS.index(row["kind"]))
            tables |= {"parts": parts(rows)} if name == "parts" else comparison(name, rows)
            if name != "parts":
                figure(rows).savefig(chosen.output / f"{file}.png", dpi=150)
    PAGE.write_text(filled(PAGE.read_text(), tables))


if __name__ == "__main__":
    main()
