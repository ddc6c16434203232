"""The process: random state, default dtype and device, DeepXDE's import, files, memory, the user's source files.

What belongs to the whole process and must be as before after each call of ours. Knows nothing of tasks, networks or
families.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.runtime.isolation import alone as alone, untouched as untouched
