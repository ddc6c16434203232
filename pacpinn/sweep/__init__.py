"""All targets of a request: which starts from which, in this process or on a Dask cluster.

The list of targets alone decides the tree of targets, never timing. So one process and a cluster give the same family
to the last bit. Knows trees and pools; one step along the tree is :mod:`~pacpinn.continuation`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.sweep.requests import Request as Request
