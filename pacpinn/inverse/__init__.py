"""Coefficients from measurements, with standard errors.

The equation is a constraint: it is solved at every step of the search, in the span of the members
(:mod:`~pacpinn.inverse.reduced_fit`) or by calibration (:mod:`~pacpinn.inverse.gauss_newton_search`). The room knows
noise, misfits and which coefficients measurements determine; it must not know how a family is stored or shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.inverse.inference import Inference as Inference
    from pacpinn.inverse.reduced_fit import Estimate as Estimate
