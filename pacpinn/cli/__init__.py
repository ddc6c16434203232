"""The command line: ``pacpinn problems | solve | predict | infer | rerun | plot | info``.

Knows every other room, and how results are shown on a terminal, as CSV and as JSON. Must hold no mathematics: whatever
a command does can be done in Python with :class:`~pacpinn.Family`. No module here imports torch or DeepXDE before a
command needs it, so that ``pacpinn --help`` answers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.cli.app import main as main
