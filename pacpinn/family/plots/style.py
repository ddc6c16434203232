"""What all figures of a family share."""

from __future__ import annotations

from typing import Any

import numpy as np

WIDTH = 10.0  # inches
PANELS = 4
BLUE, ORANGE, RED = "#0072b2", "#d55e00", "#b2182b"
DISTINCT = (BLUE, "#e69f00", "#009e73", "#cc79a7", "#56b4e9")  # told apart by the colour-blind (Okabe & Ito 2008)
DASHED: Any = {"color": "black", "linewidth": 1, "linestyle": (0, (4, 4))}


def positive(values: np.ndarray) -> np.ndarray:
    """Zeros as gaps, which a logarithmic axis can show."""
    return np.where(values > 0, values, np.nan)


def tidy(panels: np.ndarray) -> None:
    """Open frames and a pale grid."""
    for axes in panels.flat:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.6)
