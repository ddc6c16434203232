"""A solved family: how it is solved, its members, the queries it answers, its file and its figures.

The rooms below solve, answer and infer; this room brings them together behind :func:`~pacpinn.solve_family` and
:class:`~pacpinn.Family`. It decides what is solved, in which order, and where it is kept. It calls no solver and no
residual itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.family.family import Family as Family, load as load
    from pacpinn.family.progress import Progress as Progress, ProgressCallback as ProgressCallback
    from pacpinn.family.solve import solve_family as solve_family
