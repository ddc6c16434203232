"""The sizes of an equation, as numbers for programs and in words for people."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pacpinn.tasks.problem import Problem

_GLUE = "\xa0"  # textwrap breaks no line at it


@dataclass(frozen=True)
class NamedSizes:
    """Sizes at the source by name, each in the form in which ``Equation.sizes`` states it.

    Attributes:
        inputs: the ends of each; none where the network takes features, or the problem's own units.
        outputs: offset and size of each; none where the network gives the problem's own units.
        blocks: the size of each residual block.
    """

    inputs: dict[str, tuple[float, float]]
    outputs: dict[str, tuple[float, float]]
    blocks: dict[str, float]

    def lines(self, width: int) -> list[str]:
        """The sizes in words, in lines of at most `width` characters that end after a number."""
        ends = [f"{name} {low + 0.0:.4g} to {high + 0.0:.4g}" for name, (low, high) in self.inputs.items()]
        outputs = [f"{name} {_rounded(*pair)} ± {_short(pair[1])}" for name, pair in self.outputs.items()]
        parts = [("inputs", ends), ("outputs", outputs)]
        for kind in ("residual", "condition"):
            parts.append((f"{kind}s", [_short(size) for name, size in self.blocks.items() if name.startswith(kind)]))
        text = "; ".join(_listed(name, items) for name, items in parts if items)
        return [line.replace(_GLUE, " ") for line in textwrap.wrap(text, width, break_on_hyphens=False)]


def sizes_of(problem: Problem) -> NamedSizes | None:
    """The sizes of a problem; None for one that is no equation, or of a file of version 0.1, which had none."""
    from pacpinn.equations.equation import Equation

    if not isinstance(problem, Equation):
        return None
    sizes = problem.sizes_at(problem.source)
    if not sizes.names:
        return None
    low, high = (sizes.centre - sizes.half).tolist(), (sizes.centre + sizes.half).tolist()
    inputs = dict(zip(problem.inputs, zip(low, high, strict=True), strict=True))
    outputs = dict(zip(problem.outputs, zip(sizes.offset.tolist(), sizes.size.tolist(), strict=True), strict=True))
    return NamedSizes(
        {} if problem.keeps_units or problem.has_features else inputs,
        {} if problem.keeps_units else outputs,
        dict(zip(sizes.names, sizes.blocks.tolist(), strict=True)),
    )


def _listed(name: str, items: Iterable[str]) -> str:
    """The items after their name; lines break between items only."""
    return ", ".join(item.replace(" ", _GLUE) for item in f"{name} {', '.join(items)}".split(", "))


def _short(value: float) -> str:
    return f"{float(f'{value:.2g}'):g}"


def _rounded(offset: float, size: float) -> str:
    """An offset to about a hundredth of its size."""
    return f"{round(offset, 1 - math.floor(math.log10(size))) + 0.0:g}"
