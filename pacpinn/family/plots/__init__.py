"""Figures of a family, with matplotlib.

They show what a family answers to queries, without access to networks or residuals, and leave pyplot's state alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.family.plots.figures import draw as draw, write_figures as write_figures
