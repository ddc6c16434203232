"""L-BFGS on the free weights."""

import pytest
import torch

from pacpinn.errors import ResidualError
from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Status
from pacpinn.solvers.lbfgs import LBFGS
from tests.solvers.problems import curve, loss_at, regression, rosenbrock, shaped


def solve(objective: Objective, **settings):
    return LBFGS(**settings)(objective, objective.masked.start)


@pytest.mark.parametrize(("penalty", "centre"), [(0.0, 0.0), (0.5, 2.0)])
def test_linear_regression(penalty, centre):
    objective, solution = regression(penalty, centre)
    torch.testing.assert_close(solve(objective).z, solution, rtol=1e-6, atol=1e-6)


def test_rosenbrock():
    result = solve(rosenbrock(tolerance=1e-6))
    assert result.status == Status.CONVERGED
    torch.testing.assert_close(result.z, torch.ones(2, dtype=torch.float64), rtol=1e-4, atol=1e-4)


def test_a_loss_without_residuals():
    result = solve(shaped(lambda a, b: (a - 2) ** 4 + (b - a) ** 2), steps=200)
    torch.testing.assert_close(result.z, torch.tensor([2.0, 2.0], dtype=torch.float64), rtol=0, atol=0.02)


def test_a_tolerance_ends_the_solve():
    objective = curve(tolerance=1e-2)
    result = solve(objective)
    assert result.status == Status.CONVERGED
    assert result.history[-1] <= 1e-4
    assert loss_at(objective, result.z) == pytest.approx(result.history[-1])


def test_the_steps_were_too_few():
    assert solve(rosenbrock(tolerance=1e-9), steps=5).status == Status.MAX_STEPS


def test_a_tolerance_out_of_reach_stalls():
    objective, _ = regression()
    objective.task.tolerance = 1e-6
    assert solve(objective).status == Status.STALLED


def test_without_a_tolerance_a_loss_at_rest_has_converged():
    objective, _ = regression()
    assert solve(objective).status == Status.CONVERGED


def test_a_start_at_the_minimum_stays_there():
    objective = rosenbrock()
    one = torch.ones(2, dtype=torch.float64)
    result = LBFGS()(objective, one)
    assert result.status == Status.CONVERGED
    assert torch.equal(result.z, one)


def test_a_start_within_tolerance_takes_no_step():
    objective = rosenbrock(tolerance=1e3)
    result = solve(objective)
    assert result.status == Status.CONVERGED
    assert torch.equal(result.z, objective.masked.start)


def test_steps_count_evaluations_of_the_objective():
    calls = []

    def loss(a, b):
        calls.append(a)
        return a**2 + (b - a) ** 2

    result = solve(shaped(loss), steps=5)
    assert 0 < result.steps <= len(calls)


def test_a_loss_that_is_not_finite_at_the_start_is_bad_input():
    with pytest.raises(ResidualError, match="is nan before the first step"):
        solve(shaped(lambda a, b: a.log()))


def test_a_loss_without_a_lower_end_diverges_with_finite_weights_and_a_history():
    result = solve(shaped(lambda a, b: (a - 0.5).log() + 0 * b, a=1.0))
    assert torch.isfinite(result.z).all()
    assert result.status == Status.DIVERGED
    assert result.history


def test_the_start_is_not_changed():
    objective = curve()
    start = objective.masked.start
    before = start.clone()
    LBFGS(steps=20)(objective, start)
    assert torch.equal(start, before)
