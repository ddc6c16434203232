"""A family's file: numbers as safetensors, everything else as JSON in its header. The file holds no code.

:mod:`schema` states family and header as types, :mod:`codec` turns one into the other and back (bases and members in
:mod:`tensors`, the rest in :mod:`provenance`), :mod:`container` reads and writes the bytes, :mod:`upgrades` reads
earlier formats, and :mod:`journal` writes members while a family is being solved. Must not know how a family is solved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.family.file.journal import Journal as Journal
    from pacpinn.family.file.schema import Record as Record
