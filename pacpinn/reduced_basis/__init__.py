"""Any coefficient between the solved ones: POD, hyper-reduction, and the greedy choice of members.

Offline, :mod:`~pacpinn.reduced_basis.greedy` chooses members until every coefficient of a range is answered to a
tolerance. Online, :mod:`~pacpinn.reduced_basis.reduced_model` solves the user's own residual for the coordinates of the
solution in the members' span; over a range, in that of the members and of their derivatives by the coefficients. The
room knows members as functions and equations as residuals; it must not know how members were trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.reduced_basis.greedy import Refinement as Refinement
    from pacpinn.reduced_basis.reduced_model import Answer as Answer
