"""Coefficients from measurements, with standard errors.

The equation is a constraint: it is solved at every step of the search, in the span of the members
(:mod:`~pacpinn.reduced_basis`) or by calibration (:mod:`~pacpinn.continuation`). Knows noise, misfits and what
measurements can tell apart; must not know how a family is stored or shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.inverse.inference import Inference as Inference
    from pacpinn.inverse.reduced_fit import Estimate as Estimate
