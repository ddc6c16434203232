"""The process: random streams, default dtype and device, DeepXDE's import, files, memory, the user's source files.

This state belongs to the whole process and must be as before after each call. Here too are the lazy faces of all rooms
and the names of version 0.1. Must not know tasks, networks or families.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.runtime.isolation import alone as alone, untouched as untouched
