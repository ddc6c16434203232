"""Objectives with known answers, shared by the tests of all solvers."""

from __future__ import annotations

import numpy as np
import torch

import pacpinn as pp
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from tests.toys import AbsoluteError, CurveFit, Rosenbrock, point, small_network, wave


def regression(penalty: float = 0.0, centre: float = 0.0) -> tuple[Objective, torch.Tensor]:
    """Linear regression with its solution by the normal equations."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 1))
    layer = torch.nn.Linear(4, 1, bias=False, dtype=torch.float64)
    objective = Objective(CurveFit(x, y).to(torch.float64), MaskedNetwork(layer), penalty, torch.full((4,), centre))
    matrix = x.T @ x / 30 + penalty * np.eye(4)
    solution = np.linalg.solve(matrix, x.T @ y[:, 0] / 30 + penalty * centre)
    return objective, torch.tensor(solution)


def rosenbrock(tolerance: float | None = None) -> Objective:
    task = Rosenbrock()
    task.tolerance = tolerance
    return Objective(task, MaskedNetwork(point()))


def curve(tolerance: float | None = None) -> Objective:
    """A network of 25 weights to fit a sine."""
    task = wave().to(torch.float64)
    task.tolerance = tolerance
    return Objective(task, MaskedNetwork(small_network()))


class Shaped(AbsoluteError):
    """A loss that is a function of the weights of `point()`."""

    def __init__(self, function, tolerance: float | None = None) -> None:
        super().__init__([[1.0]], [[0.0]])
        self.function, self.tolerance = function, tolerance

    def loss(self, forward, batch):
        return self.function(*forward(batch[0])[0])


def shaped(function, a: float = -1.2, b: float = 1.0, tolerance: float | None = None) -> Objective:
    return Objective(Shaped(function, tolerance), MaskedNetwork(point(a, b)))


def loss_at(objective: Objective, z: torch.Tensor) -> float:
    return objective.penalised(z, objective.task.everything()).item()


def noisy_line() -> Objective:
    """Few noisy samples of many inputs, which training learns by heart, and validation samples."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(220, 20))
    y = x[:, :1] + rng.normal(size=(220, 1))
    samples = pp.Samples(x[:20], y[:20], x_valid=x[20:], y_valid=y[20:])
    task = pp.RegressionTask(samples, batch_size=5).to(torch.float64)
    return Objective(task, MaskedNetwork(small_network(inputs=20)))
