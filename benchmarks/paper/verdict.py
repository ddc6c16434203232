"""Means, intervals and paired tests of the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median
from typing import Any

import numpy as np
from scipy import stats

from paper.tasks import EQUATIONS

PAC = "PAC"
MARGIN = 0.1  # of the better mean: a smaller difference counts as equal
LEVEL = 0.05

Row = dict[str, Any]


def values_of(rows: Sequence[Row], way: str, column: str = "target") -> np.ndarray:
    """In the order of the seeds."""
    return np.array([row[column] for row in sorted(rows, key=lambda row: row["seed"]) if row["way"] == way])


def middle(values: np.ndarray, kind: str) -> tuple[float, float, float]:
    """Mean and ends of its 95 % interval by Student's t over seeds; of equations' errors in the logarithm."""
    data = np.log(values) if kind in EQUATIONS else values
    centre, half = float(np.mean(data)), 0.0
    if len(data) > 1:
        half = float(stats.t.ppf(0.975, len(data) - 1) * np.std(data, ddof=1) / len(data) ** 0.5)
    found = (centre, centre - half, centre + half)
    return tuple(map(float, np.exp(found))) if kind in EQUATIONS else found  # type: ignore[return-value]


def holm(p: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979)."""
    order = np.argsort(p)
    corrected = np.maximum.accumulate([(len(p) - k) * p[i] for k, i in enumerate(order)])
    found = np.empty(len(p))
    found[order] = np.minimum(corrected, 1.0)
    return found.tolist()


def paired(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The two-sided p-value of Wilcoxon's signed-rank test; 1 where all pairs are equal."""
    return 1.0 if np.array_equal(ours, theirs) else float(stats.wilcoxon(ours, theirs).pvalue)


def summary(rows: Sequence[Row]) -> tuple[list[str], list[Row]]:
    """Columns and lines of one task's table, the best method first."""
    lines = []
    for way in dict.fromkeys(row["way"] for row in rows):
        centre, low, high = middle(values_of(rows, way), rows[0]["kind"])
        lines.append(
            {
                "way": way,
                "target": centre,
                "from": low,
                "to": high,
                "worst": float(values_of(rows, way).max()),
                "source before": mean(values_of(rows, way, "source before").tolist()),
                "source after": mean(values_of(rows, way, "source").tolist()),
                "bytes": median(values_of(rows, way, "bytes").tolist()),
                "seconds": median(values_of(rows, way, "seconds").tolist()),
            }
        )
    return list(lines[0]), sorted(lines, key=lambda line: float(line["target"]))


def outcomes(rows: Sequence[Row]) -> list[Row]:
    """For each task and solver the best baseline, the test against it, corrected over baselines, and the verdict."""
    found = []
    for task, solver in dict.fromkeys((row["task"], row["solver"]) for row in rows):
        here = [row for row in rows if (row["task"], row["solver"]) == (task, solver)]
        kind, ours = here[0]["kind"], values_of(here, PAC)
        baselines = {row["way"] for row in here if not row["way"].startswith(PAC) and "copy" not in row["way"]}
        theirs = {way: values_of(here, way) for way in sorted(baselines)}
        corrected = holm([paired(ours, values) for values in theirs.values()])
        lines = [
            {"baseline": way, "PAC's": middle(ours, kind)[0], "the baseline's": middle(values, kind)[0], "p": p}
            for (way, values), p in zip(theirs.items(), corrected, strict=True)
        ]
        best = min(lines, key=lambda line: float(line["the baseline's"]))
        found.append({"kind": kind, "task": task, "solver": solver, **best, "counts": counts(best, lines)})
    return found


def counts(best: Row, all_baselines: Sequence[Row]) -> str:
    """``for`` or ``against`` the claim, or ``equal``."""
    if best["PAC's"] <= (1 - MARGIN) * best["the baseline's"] and best["p"] < LEVEL:
        return "for"
    against = (
        line for line in all_baselines if line["the baseline's"] <= (1 - MARGIN) * line["PAC's"] and line["p"] < LEVEL
    )
    return "against" if any(against) else "equal"


def verdicts(rows: Sequence[Row]) -> list[tuple[str, str, str, bool]]:
    """Claims: the verdict of each task, and for each kind whether the claim of a large margin holds."""
    found = outcomes(rows)
    kept = [row["same bits"] for row in rows if row["way"] == PAC]
    lines = [("PAC's source unchanged to the last bit", "always", f"{sum(kept)} of {len(kept)}", all(kept))]
    for each in found:
        ours, theirs = each["PAC's"], each["the baseline's"]
        reached = f"{ours:.3g} against {theirs:.3g} by {each['baseline']}, p = {each['p']:.2g}: {each['counts']}"
        asked = "PAC below the best baseline by a tenth"
        lines.append((f"{each['task']}, {each['solver']}", asked, reached, each["counts"] == "for"))
    for kind in dict.fromkeys(each["kind"] for each in found):
        of_kind = [each["counts"] for each in found if each["kind"] == kind]
        n = {word: of_kind.count(word) for word in ("for", "equal", "against")}
        holds = not n["against"] and n["for"] > len(of_kind) / 2
        reached = ", ".join(f"{count} {word}" for word, count in n.items())
        lines.append((f"{kind}: by a large margin", "none against, more than half for", reached, holds))
    return lines
