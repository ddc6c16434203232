"""Figures of a family, drawn with matplotlib.

Knows only what a family answers to any caller: its members, predictions and errors. Must not know networks or
residuals, and must leave the state of ``matplotlib.pyplot`` as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.family.plots.figures import draw as draw, write_figures as write_figures
