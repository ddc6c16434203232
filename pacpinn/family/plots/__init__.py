"""Figures of a family, with matplotlib.

Asks a family what anybody could ask, and draws it. Knows no network and no equation's residual; makes no pyplot state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.family.plots.figures import draw as draw, write_figures as write_figures
