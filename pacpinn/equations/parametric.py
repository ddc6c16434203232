"""Parametric networks: one network for a whole range, with the coefficients as further inputs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from scipy.stats import qmc
from torch import Tensor

from pacpinn.equations.collocation import Collocation
from pacpinn.equations.equation import Equation, as_variant
from pacpinn.equations.equation_batch import EquationBatch
from pacpinn.equations.equation_task import EquationTask
from pacpinn.errors import PacpinnError
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.task import Block, Forward, Task

_COEFFICIENTS = 32  # number of coefficients at which the network is trained
_OF_TOLERANCE = 0.5  # tolerance of the mean over the range, so that few single coefficients exceed their own
_POINTS = 4  # times the points of one task, over all coefficients: the range adds dimensions to be covered


class ParametricEquation(Equation):
    """An equation whose networks have coefficients as further inputs; made by :func:`parametric`."""

    span: ClassVar[Range]  # of those coefficients


def parametric(problem: Problem, span: Range) -> ParametricEquation:
    """The problem with networks that have each coefficient of `span` as a further input, -1 to 1 over its range."""
    if not isinstance(problem, Equation) or not span:
        raise PacpinnError(
            f"a parametric network needs an equation and a coefficient that varies; {problem.name} "
            + ("has targets at its source alone" if isinstance(problem, Equation) else "is no equation")
        )

    class Parametric(type(problem), ParametricEquation):  # type: ignore[misc]
        def features(self, x: Tensor, c: Coefficients) -> Tensor:
            places = self.space.box(span).columns(c, like=x)
            return torch.cat([super().features(x, c), *[2 * place - 1 for place in places]], dim=1)

    Parametric.span = span
    return as_variant(problem, Parametric)


def range_task(
    problem: ParametricEquation, source: Coefficients, task_at: Callable[[Equation, Coefficients], Task]
) -> RangeTask:
    """One task for all coefficients in the problem's span, sampled at a few of them, with points for each sample.

    Coefficients that do not vary are as in `source`. `task_at` makes tasks with the device and the tolerance wanted.
    """
    thinned = copy.copy(problem)
    count = math.ceil(_POINTS / _COEFFICIENTS * problem.points.domain)
    vars(thinned)["points"] = replace(problem.points, domain=count)
    even = qmc.Sobol(len(problem.span), seed=0).random(_COEFFICIENTS)
    shares = (1 - np.cos(np.pi * even)) / 2  # denser towards the ends, like Chebyshev nodes
    tasks = []
    for k, c in enumerate(problem.space.box(problem.span).at(shares, source)):
        task = task_at(thinned, c)
        assert isinstance(task, EquationTask)
        tasks.append(task.drawn_anew(k))
    return RangeTask(tasks)


class RangeTask(EquationBatch):
    """Tasks of one equation as one task for one network: its loss is the mean of their losses."""

    def __init__(self, tasks: Sequence[EquationTask]) -> None:
        super().__init__(tasks)
        self.lead, self.coefficients = (), tasks[0].coefficients
        self.tolerance = None if self.tolerance is None else _OF_TOLERANCE * self.tolerance

    def only(self, places: Sequence[int]) -> RangeTask:
        return self

    @property
    def warm_up(self) -> int:
        return self.tasks[0].warm_up

    def easier(self) -> list[RangeTask]:
        return [RangeTask(each) for each in zip(*(task.easier() for task in self.tasks), strict=True)]

    def residuals(self, forward: Forward, batch: Collocation) -> list[Block]:
        offsets = batch.rows * torch.arange(len(batch.conditions))[:, None, None]  # of the rows of each task
        return [
            replace(
                block,
                values=block.values.flatten(),
                rows=None if block.rows is None else (offsets.to(block.rows.device) + block.rows).flatten(0, 1),
            )
            for block in super().residuals(forward, batch)
        ]
