"""Solvers: each minimises an objective over the free weights alone.

A solver knows loss, residuals and Jacobian as functions of a vector of weights, whatever task or equation they come
from: this package never imports :mod:`~pacpinn.equations`. To add a solver, add it to
:data:`~pacpinn.solvers.choice.SOLVERS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.solvers.adam import Adam as Adam
    from pacpinn.solvers.base import (
        Report as Report,
        Result as Result,
        Solver as Solver,
        Status as Status,
        silent as silent,
    )
    from pacpinn.solvers.choice import (
        SOLVERS as SOLVERS,
        InTurn as InTurn,
        SolverChoice as SolverChoice,
        get_solver as get_solver,
    )
    from pacpinn.solvers.lbfgs import LBFGS as LBFGS
    from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt as LevenbergMarquardt
    from pacpinn.solvers.nncg import NNCG as NNCG
