"""A family's file: numbers as safetensors, everything else as JSON in its header. The file holds no code.

- :mod:`record`: the state of a family, which the file holds.
- :mod:`schema`: the header as types.
- :mod:`codec`: a family to header and tensors, and back; its bases in :mod:`bases`, its members in :mod:`members`, and
  what decides it in :mod:`provenance`.
- :mod:`container`: the bytes of the file.
- :mod:`upgrades`: files of earlier versions.
- :mod:`journal`: what is written while a family is being solved, so that a kill loses nothing that is solved.

See docs/family-file.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.family.file.journal import Journal as Journal
    from pacpinn.family.file.record import Record as Record
