"""A solved family: how it is solved, its members, the queries it answers, its file and its figures.

The rooms below solve, answer and infer. This room combines them in :func:`~pacpinn.solve_family` and
:class:`~pacpinn.Family`: it knows what is to be solved and where it is kept. Must not know how: no solver and no
residual is called from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.family.family import Family as Family, load as load
    from pacpinn.family.progress import Progress as Progress, ProgressCallback as ProgressCallback
    from pacpinn.family.solve import solve_family as solve_family
