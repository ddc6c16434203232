"""The interface of solvers: results joined, a start that is not finite."""

import pytest
import torch

import pacpinn as pp
from pacpinn.errors import ResidualError
from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Result, Status, require_finite, silent
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.tasks.task import Block
from tests.solvers.problems import curve, rosenbrock, shaped
from tests.toys import Rosenbrock


def test_joined_results_end_with_the_last_and_count_all():
    first = Result(torch.zeros(2), Status.MAX_STEPS, 3, 0.5, [4.0, 2.0])
    last = Result(torch.ones(2), Status.CONVERGED, 2, 0.25, [1.0])
    joined = Result.joined([first, last])
    assert joined.z is last.z
    assert (joined.status, joined.steps, joined.seconds) == (Status.CONVERGED, 5, 0.75)
    assert joined.history == [4.0, 2.0, 1.0]


def test_a_status_is_its_own_text():
    assert f"{Status.MAX_STEPS}" == "max_steps" == Status.MAX_STEPS


def test_a_finite_loss_passes_and_silence_reports_nothing():
    objective = rosenbrock()
    require_finite(objective, torch.tensor(1.0), objective.masked.start)
    assert silent(1, 2.0) is None


class Pole(Rosenbrock):
    def residuals(self, forward, batch):
        a, _ = forward(batch)[0]
        return [Block("pole", (1 / (a - a))[None], torch.zeros(1, 1, dtype=torch.long))]


def test_a_residual_that_is_not_finite_is_named():
    objective = Objective(Pole(), rosenbrock().masked)
    with pytest.raises(ResidualError, match="the pole is not finite at 1 of 1 points before the first step"):
        require_finite(objective, torch.tensor(float("inf")), objective.masked.start)


def test_a_loss_without_residuals_is_named_by_its_task():
    objective = shaped(lambda a, b: a)
    with pytest.raises(
        ResidualError, match=r"the loss of Shaped at .* is nan before the first step; expected a finite"
    ):
        require_finite(objective, torch.tensor(float("nan")), objective.masked.start)


@pytest.mark.parametrize(
    "solver", [LevenbergMarquardt(), pp.Adam(steps=50), pp.LBFGS(steps=50)], ids=lambda each: type(each).__name__
)
def test_a_solver_ends_when_its_report_says_so(solver):
    objective, reported = curve(tolerance=1e-9), []

    def third(step, loss):
        reported.append(step)
        return len(reported) == 3

    result = solver(objective, objective.masked.start, third)
    assert result.status is Status.MAX_STEPS
    assert len(reported) == 3
    assert result.z.isfinite().all()
    assert result.history[-1] <= result.history[0]
