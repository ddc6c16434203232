"""A network as a function of its free weights: objective, Jacobian, heads.

Turns a task and a torch module into loss, residuals and Jacobian as functions of a vector of weights, for the solvers.
Knows no equation and no solver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.networks.error_estimate import ErrorEstimate as ErrorEstimate
    from pacpinn.networks.masked_network import MaskedNetwork as MaskedNetwork
    from pacpinn.networks.objective import Objective as Objective
