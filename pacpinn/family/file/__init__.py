"""A family's file: numbers as safetensors, all else as JSON in its header.

:mod:`schema` says in types what a header holds, :mod:`codec` turns families into header and tensors and back,
:mod:`container` reads and writes the bytes, :mod:`upgrades` reads earlier formats, :mod:`journal` keeps what is solved
when a process is killed. The file holds no code. See docs/family-file.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.family.file.codec import Record as Record
    from pacpinn.family.file.journal import Journal as Journal
