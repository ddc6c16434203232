"""Ordinary and partial differential equations in DeepXDE's terms, as tasks.

Collocation points, residual blocks, conditions and measurements turn an equation into a least-squares problem for a
function ``forward`` from inputs to outputs. Equations do not see its weights and do not know how it is fitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.equations.collocation import Points as Points
    from pacpinn.equations.deepxde_equation import GivenEquation as GivenEquation, from_deepxde as from_deepxde
    from pacpinn.equations.equation import Equation as Equation
    from pacpinn.equations.features import fourier as fourier, periodic as periodic
    from pacpinn.equations.measurements import Measurements as Measurements
    from pacpinn.equations.soft_conditions import soft as soft
