"""Coefficients, problems and their tasks, regression and classification, samples.

A problem is a family of tasks, indexed by named coefficients. A task is given ``forward``, a function from inputs to
outputs, and returns its loss, residuals or score. It must not know weights or solvers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacpinn.runtime import lazy

__getattr__, __dir__, __all__ = lazy.face(__name__)

if TYPE_CHECKING:
    from pacpinn.tasks.coefficient import (
        Coefficient as Coefficient,
        Coefficients as Coefficients,
        Count as Count,
        grid as grid,
    )
    from pacpinn.tasks.problem import Problem as Problem
    from pacpinn.tasks.registry import get_problem as get_problem
    from pacpinn.tasks.samples import Samples as Samples
    from pacpinn.tasks.supervised import (
        Classification as Classification,
        ClassificationTask as ClassificationTask,
        Regression as Regression,
        RegressionTask as RegressionTask,
    )
    from pacpinn.tasks.task import Block as Block, LeastSquaresTask as LeastSquaresTask, Score as Score, Task as Task
