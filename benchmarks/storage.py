"""How many bytes for what error? PAC's free weights against copies and compressed differences of fine-tuned networks.

One Burgers family solved by PAC and one by fine-tuning along the same path. Every target is stored in each format, read
back, and scored again against the reference. Bytes are those of one more target; data that all targets share (PAC's
base and mask, the source) are not counted.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

import pacpinn as pp
from as_measured import get_problem
from report import Report, options

Shapes = dict[str, torch.Size]
Stored = tuple[int, Tensor]  # bytes, and the values as they are read back
PAC, COPY, DELTA = "PAC's free weights", "fine-tuned copy", "fine-tuning delta"
SPARSE, LOW_RANK = "fine-tuning delta, largest entries", "fine-tuning delta, low rank"
RANKS = (1, 2, 4, 8)
ACCURATE = 3e-4  # relative L2


def packed(*arrays: np.ndarray) -> int:
    """Bytes of some arrays after zlib, or without it if that is less."""
    plain = b"".join(each.tobytes() for each in arrays)
    return min(len(plain), len(zlib.compress(plain, 9)))


def rounded(values: Tensor, kind: str) -> tuple[list[np.ndarray], Tensor]:
    """Values in a float type, or in int8 with the largest value as 127: the stored array, and the values read back."""
    array = values.numpy()
    if kind == "int8":
        unit = np.float32(np.abs(array).max() / 127 or 1)
        codes = np.round(array / unit).astype(np.int8)
        return [codes, np.array([unit])], torch.as_tensor(codes * np.float64(unit))
    codes = array.astype(kind)
    return [codes], torch.as_tensor(codes.astype(np.float64))


def whole(values: Tensor, kind: str) -> Stored:
    """Every value, in one type."""
    codes, back = rounded(values, kind)
    return packed(*codes), back


def largest(values: Tensor, count: int, kind: str) -> Stored:
    """The `count` values of largest magnitude, and a bit per value for their places, which takes less than indices."""
    which = values.abs().topk(count).indices.sort().values
    codes, back = rounded(values[which], kind)
    places = np.packbits(torch.zeros_like(values, dtype=torch.bool).index_fill(0, which, True).numpy())
    return packed(*codes) + packed(places), torch.zeros_like(values).index_put((which,), back)


def of_rank(values: Tensor, shapes: Shapes, rank: int, kind: str) -> Stored:
    """Each matrix by its truncated singular value decomposition; vectors, and matrices too small for it, whole."""
    size, pieces = 0, []
    for piece, shape in zip(values.split([each.numel() for each in shapes.values()]), shapes.values(), strict=True):
        if len(shape) == 2 and rank * sum(shape) < piece.numel():
            u, s, v = torch.linalg.svd(piece.view(shape), full_matrices=False)
            left, back_left = rounded((u[:, :rank] * s[:rank].sqrt()).flatten(), kind)
            right, back_right = rounded((s[:rank, None].sqrt() * v[:rank]).flatten(), kind)
            size += packed(*left, *right)
            pieces.append((back_left.view(-1, rank) @ back_right.view(rank, -1)).flatten())
        else:
            codes, back = rounded(piece, kind)
            size += packed(*codes)
            pieces.append(back)
    return size, torch.cat(pieces)


def ways_to_store(free: int, shapes: Shapes) -> list[tuple[str, str, Callable[[Tensor], Stored]]]:
    """The formats in which a target is stored: what, how, and the function that stores it."""
    kinds = ("float64", "float32", "float16", "int8")
    ways: list[tuple[str, str, Callable[[Tensor], Stored]]] = [
        (what, kind, lambda values, kind=kind: whole(values, kind)) for what in (PAC, COPY, DELTA) for kind in kinds
    ]
    ways += [(SPARSE, kind, lambda values, kind=kind: largest(values, free, kind)) for kind in kinds]
    ways += [
        (LOW_RANK, f"rank {rank}, float32", lambda values, rank=rank: of_rank(values, shapes, rank, "float32"))
        for rank in RANKS
    ]
    return ways


def measure(report: Report, seed: int, targets: list[dict[str, float]]) -> None:
    pac, tuned = (
        pp.solve_family(get_problem("burgers"), targets=targets, method=each, seed=seed)
        for each in ("pac", "fine-tuning")
    )
    source, shapes = tuned.bases[0].masked.start, tuned.bases[0].masked.shapes
    ways = ways_to_store(pac.counts.free, shapes)
    for family in (pac, tuned):
        for member in family.targets:
            task, base = family.task(**member.coefficients), family.bases[member.base].masked
            for what, how, store in ways:
                if (what == PAC) is (family is pac):
                    centre = source if what in (DELTA, SPARSE, LOW_RANK) else torch.zeros_like(member.z)
                    size, back = store(member.z - centre)
                    report.add(
                        what=what,
                        how=how,
                        seed=seed,
                        target=str(member.coefficients),
                        bytes=size,
                        error=task.score(base.forward(centre + back)).value,
                        unstored=member.score.value,
                    )


def summarise(report: Report) -> list[dict[str, Any]]:
    summary = []
    for what, how in dict.fromkeys((row["what"], row["how"]) for row in report.rows):
        rows = [row for row in report.rows if (row["what"], row["how"]) == (what, how)]
        summary.append(
            {
                "what": what,
                "how": how,
                "bytes": round(median(row["bytes"] for row in rows)),
                "error median": median(row["error"] for row in rows),
                "error worst": max(row["error"] for row in rows),
                "times unstored": median(row["error"] / row["unstored"] for row in rows),
            }
        )
    return summary


def claims(report: Report, summary: list[dict[str, Any]]) -> None:
    """The fewest bytes per target with which all errors meet the limit asked for, by PAC and by baselines."""

    def fewest(what: str) -> float:
        accurate = (row["bytes"] for row in summary if row["what"] == what and row["error worst"] <= ACCURATE)
        return min(accurate, default=math.inf)

    for baseline in (COPY, DELTA, SPARSE, LOW_RANK):
        report.claim(
            f"fewest bytes a target with all errors <= {ACCURATE:g}: PAC's under those of a {baseline}",
            "fewer",
            f"{fewest(PAC):g} against {fewest(baseline):g}".replace("inf", "none"),
            fewest(PAC) < fewest(baseline),
        )


def figure(summary: list[dict[str, Any]]) -> Figure:
    """Error against bytes a target, medians, and lines up to the worst; one marker per format."""
    shown = Figure(figsize=(8, 5), layout="constrained")
    axis = shown.subplots()
    for (i, what), marker in zip(enumerate((PAC, COPY, DELTA, SPARSE, LOW_RANK)), "os^vD", strict=True):
        rows = [row for row in summary if row["what"] == what]
        size, middle = [row["bytes"] for row in rows], [row["error median"] for row in rows]
        upward = [row["error worst"] - row["error median"] for row in rows]
        axis.errorbar(
            size, middle, [[0] * len(rows), upward], fmt=marker, color=f"C{i}", label=what, capsize=2, linewidth=0.8
        )
        for row in rows:
            axis.annotate(
                row["how"].removesuffix(", float32"),
                (row["bytes"], row["error median"]),
                (5, 4 if what == DELTA else -9),
                textcoords="offset points",
                fontsize=7,
            )
    axis.margins(x=0.1)
    axis.set(xscale="log", yscale="log", xlabel="bytes a target", ylabel="relative L2 error: median, up to the worst")
    axis.legend()
    return shown


def main() -> None:
    chosen = options(__doc__ or "", threads=1)
    report = Report("storage", chosen.quick)
    targets = [dict(each) for each in pp.grid(nu=np.geomspace(0.05, 0.01, 25)[1:])]
    for seed in range(1 if chosen.quick else 3):
        measure(report, seed, targets[:2] if chosen.quick else targets)
    summary = summarise(report)
    report.table("A target", ["what", "how", "bytes", "error median", "error worst", "times unstored"], summary)
    claims(report, summary)
    report.write(chosen.output)
    figure(summary).savefig(chosen.output / "storage.png", dpi=150)


if __name__ == "__main__":
    main()
