"""What is wrong with the statement of an equation, said before any work.

Errors for what cannot be meant: conditions on another geometry, values that are no numbers, functions that DeepXDE
would misread, residuals that are not finite. Warnings for what is seldom meant: a side without a condition, a
coefficient that jumps in a strong form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.equations.statement.finite_start import require_finite_start as require_finite_start
