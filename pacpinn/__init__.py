"""Physics-informed transfer learning for families of ODEs and PDEs: prune, allocate, calibrate.

Each public name is imported when it is first used, so that ``pacpinn --help`` does not wait for torch.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pacpinn.runtime import earlier_names, lazy

# DeepXDE reads this when it is first imported, and a user's own file may import it before pacpinn does.
os.environ.setdefault("DDE_BACKEND", "pytorch")

__version__ = "0.2.0.dev0"

__getattr__, __dir__, __all__ = lazy.face(__name__)
__all__ += ["__version__"]
earlier_names.install()

if TYPE_CHECKING:  # the one table of public names
    from pacpinn.continuation import Base as Base, Settings as Settings, Solution as Solution
    from pacpinn.equations import (
        Equation as Equation,
        GivenEquation as GivenEquation,
        Measurements as Measurements,
        Points as Points,
        fourier as fourier,
        from_deepxde as from_deepxde,
        periodic as periodic,
        soft as soft,
    )
    from pacpinn.errors import PacpinnError as PacpinnError
    from pacpinn.family import Family as Family, load as load, solve_family as solve_family
    from pacpinn.inverse import Estimate as Estimate, Inference as Inference
    from pacpinn.reduced_basis import Answer as Answer
    from pacpinn.solvers import (
        LBFGS as LBFGS,
        NNCG as NNCG,
        Adam as Adam,
        InTurn as InTurn,
        LevenbergMarquardt as LevenbergMarquardt,
        Result as Result,
        Status as Status,
    )
    from pacpinn.tasks import (
        Block as Block,
        Classification as Classification,
        ClassificationTask as ClassificationTask,
        Coefficient as Coefficient,
        Coefficients as Coefficients,
        Count as Count,
        LeastSquaresTask as LeastSquaresTask,
        Problem as Problem,
        Regression as Regression,
        RegressionTask as RegressionTask,
        Samples as Samples,
        Score as Score,
        Task as Task,
        get_problem as get_problem,
        grid as grid,
    )
    from pacpinn.transfer import (
        PAC as PAC,
        Choice as Choice,
        PACClassifier as PACClassifier,
        PACRegressor as PACRegressor,
        choose as choose,
    )
