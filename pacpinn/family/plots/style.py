"""What all figures of a family share: sizes, colours, ticks and frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Locator, LogLocator, MaxNLocator, NullFormatter

WIDTH = 10.0  # inches
PANELS = 4  # side by side at most
BLUE, ORANGE, RED = "#0072b2", "#d55e00", "#b2182b"
DISTINCT = (BLUE, "#e69f00", "#009e73", "#cc79a7", "#56b4e9")  # told apart by the colour-blind (Okabe & Ito 2008)
REFERENCE: Any = {"color": "black", "linewidth": 1, "linestyle": (0, (4, 4))}
TOLERANCE: Any = {"color": "grey", "linewidth": 1, "linestyle": (0, (4, 3))}


def new_figure(height: float) -> Figure:
    """A figure that belongs to no window and no pyplot state; `height` in inches."""
    return Figure((WIDTH, height), layout="constrained")


def positive(values: np.ndarray) -> np.ndarray:
    """Values for a logarithmic axis: NaN, shown as a gap, in place of zeros."""
    return np.where(values > 0, values, np.nan)


def coefficient_label(name: str, doc: str) -> str:
    """The label of a coefficient's axis: its name, with its meaning if that is known."""
    return f"{name} ({doc})" if doc else name


def whole_numbers() -> MaxNLocator:
    """Ticks at whole numbers."""
    return MaxNLocator(integer=True, steps=[1, 2, 5, 10])


def log_ticks(axis: Any, locator: Locator | None = None) -> None:
    """Plain numbers, not powers of ten, along a logarithmic axis."""
    axis.set_major_locator(locator or LogLocator(subs=(1, 2, 3, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def label_outer(panels: np.ndarray, x: str, y: str) -> None:
    """Label the horizontal axes of the last row and the vertical axes of the first column."""
    for axes in panels[-1]:
        axes.set_xlabel(x)
    for axes in panels[:, 0]:
        axes.set_ylabel(y)


def open_frame(axes: Axes) -> None:
    """Remove the frame above and on the right."""
    axes.spines[["top", "right"]].set_visible(False)


def tidy(panels: Iterable[Axes]) -> None:
    """Open frames and a pale grid."""
    for axes in panels:
        open_frame(axes)
        axes.grid(alpha=0.25, linewidth=0.6)
