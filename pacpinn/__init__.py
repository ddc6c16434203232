"""Physics-informed transfer learning for families of ODEs and PDEs: prune, allocate, calibrate.

Public names are imported at first use, so that ``pacpinn --help`` does not wait for torch.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

# DeepXDE reads its backend when it is first imported, which a user's own file may do before ours does.
os.environ.setdefault("DDE_BACKEND", "pytorch")

__version__ = "0.1.0"

_HOMES = {
    "coefficient": ["Coefficient", "Coefficients", "Count", "grid"],
    "collocation": ["Points"],
    "equation": ["Equation"],
    "errors": ["PacpinnError"],
    "estimators": ["PACClassifier", "PACRegressor"],
    "given_equation": ["GivenEquation", "from_deepxde"],
    "images": ["image_folder"],
    "inference": ["Inference"],
    "measurements": ["Measurements"],
    "features": ["fourier", "periodic"],
    "family": ["Family", "load"],
    "pac": ["PAC"],
    "problem": ["Problem"],
    "registry": ["get_problem"],
    "reduced.inverse": ["Estimate"],
    "reduced.online": ["Answer"],
    "samples": ["Samples"],
    "selection": ["Choice", "choose"],
    "settings": ["Settings"],
    "soft_conditions": ["soft"],
    "solution": ["Base", "Solution"],
    "solve": ["solve_family"],
    "solvers": ["LBFGS", "NNCG", "Adam", "InTurn", "LevenbergMarquardt", "Result", "Status"],
    "supervised": ["Classification", "ClassificationTask", "Regression", "RegressionTask"],
    "task": ["Block", "LeastSquaresTask", "Score", "Task"],
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME, "__version__"]

if TYPE_CHECKING:  # the same names again, for editors and type checkers
    from pacpinn.coefficient import Coefficient as Coefficient
    from pacpinn.coefficient import Coefficients as Coefficients
    from pacpinn.coefficient import Count as Count
    from pacpinn.coefficient import grid as grid
    from pacpinn.collocation import Points as Points
    from pacpinn.equation import Equation as Equation
    from pacpinn.errors import PacpinnError as PacpinnError
    from pacpinn.estimators import PACClassifier as PACClassifier
    from pacpinn.estimators import PACRegressor as PACRegressor
    from pacpinn.family import Family as Family
    from pacpinn.family import load as load
    from pacpinn.features import fourier as fourier
    from pacpinn.features import periodic as periodic
    from pacpinn.given_equation import GivenEquation as GivenEquation
    from pacpinn.given_equation import from_deepxde as from_deepxde
    from pacpinn.images import image_folder as image_folder
    from pacpinn.inference import Inference as Inference
    from pacpinn.measurements import Measurements as Measurements
    from pacpinn.pac import PAC as PAC
    from pacpinn.problem import Problem as Problem
    from pacpinn.reduced.inverse import Estimate as Estimate
    from pacpinn.reduced.online import Answer as Answer
    from pacpinn.registry import get_problem as get_problem
    from pacpinn.samples import Samples as Samples
    from pacpinn.selection import Choice as Choice
    from pacpinn.selection import choose as choose
    from pacpinn.settings import Settings as Settings
    from pacpinn.soft_conditions import soft as soft
    from pacpinn.solution import Base as Base
    from pacpinn.solution import Solution as Solution
    from pacpinn.solve import solve_family as solve_family
    from pacpinn.solvers import LBFGS as LBFGS
    from pacpinn.solvers import NNCG as NNCG
    from pacpinn.solvers import Adam as Adam
    from pacpinn.solvers import InTurn as InTurn
    from pacpinn.solvers import LevenbergMarquardt as LevenbergMarquardt
    from pacpinn.solvers import Result as Result
    from pacpinn.solvers import Status as Status
    from pacpinn.supervised import Classification as Classification
    from pacpinn.supervised import ClassificationTask as ClassificationTask
    from pacpinn.supervised import Regression as Regression
    from pacpinn.supervised import RegressionTask as RegressionTask
    from pacpinn.task import Block as Block
    from pacpinn.task import LeastSquaresTask as LeastSquaresTask
    from pacpinn.task import Score as Score
    from pacpinn.task import Task as Task


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'pacpinn' has no attribute {name!r}")
    return getattr(importlib.import_module(f"pacpinn.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
