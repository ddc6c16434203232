"""Prune, allocate, calibrate (PAC-Net, Myung et al., ICML 2022), and other methods to transfer a network to a new task.

Works with any torch module and any task: regression, classification or equation. Knows networks and solvers. Must not
know equations: it never imports :mod:`~pacpinn.equations`, so that ``pp.PAC`` loads no DeepXDE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.transfer.estimators import PACClassifier as PACClassifier, PACRegressor as PACRegressor
    from pacpinn.transfer.methods import TransferMethod as TransferMethod
    from pacpinn.transfer.model_selection import Choice as Choice, choose as choose
    from pacpinn.transfer.pac import PAC as PAC
