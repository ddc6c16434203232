"""A solved family: how it is solved, its members, what can be asked of it, its file and its figures.

The rooms below solve, answer and infer; this one brings them together behind :func:`~pacpinn.solve_family` and
:class:`~pacpinn.Family`. It knows when something is to be solved and where it is kept, not how: no solver and no
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
