"""From one solved coefficient to the next: predictor, corrector, step control, and new bases for targets too far away.

Also what is known of a finished solution: its tangent, its estimated error, and singular points on the path to it.
Knows problems, settings and transfer methods. Must not know which targets a family has, or in which order they are
solved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.continuation.settings import Settings as Settings
    from pacpinn.continuation.solution import Base as Base, Solution as Solution
