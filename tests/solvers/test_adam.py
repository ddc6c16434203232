"""Adam on the free weights."""

import pytest
import torch

from pacpinn.errors import ResidualError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Status
from tests.solvers.problems import curve, loss_at, regression, shaped
from tests.toys import batchnorm_network, wave


def solve(objective: Objective, **settings):
    return Adam(**settings)(objective, objective.masked.start)


def test_linear_regression():
    objective, solution = regression()
    result = solve(objective, steps=250, learning_rate=0.1)
    torch.testing.assert_close(result.z, solution, rtol=1e-3, atol=1e-3)


def test_a_loss_without_residuals():
    result = solve(shaped(lambda a, b: (a - 2) ** 2 + b.abs()), steps=400, learning_rate=0.05)
    torch.testing.assert_close(result.z, torch.tensor([2.0, 0.0], dtype=torch.float64), rtol=0, atol=0.1)


def test_a_task_without_tolerance_has_converged_when_all_steps_are_done():
    result = solve(curve(), steps=7)
    assert (result.status, result.steps, len(result.history)) == (Status.CONVERGED, 7, 7)


def test_a_task_with_a_tolerance_ends_there():
    objective = curve(tolerance=0.3)
    result = solve(objective, steps=500, learning_rate=0.02)
    assert result.status == Status.CONVERGED
    assert result.steps < 500
    assert result.history[-1] <= 0.3**2


def test_the_steps_were_too_few_for_the_tolerance():
    assert solve(curve(tolerance=1e-9), steps=3).status == Status.MAX_STEPS


def test_the_weights_that_reached_the_tolerance_are_returned():
    objective = shaped(lambda a, b: a**2 + b**2, tolerance=0.1)
    result = solve(objective, steps=500, learning_rate=0.05)
    assert loss_at(objective, result.z) <= 0.1**2


def test_mini_batches_follow_the_objectives_seed():
    def run(seed):
        masked = MaskedNetwork(batchnorm_network())
        return solve(Objective(wave(), masked, seed=seed), steps=5).z

    assert torch.equal(run(0), run(0))
    assert not torch.equal(run(0), run(1))


def test_every_pass_through_the_data_is_shuffled_anew():
    task, seeds = wave(), []
    batches = task.batches
    task.batches = lambda seed: seeds.append(seed) or batches(seed)
    solve(Objective(task, MaskedNetwork(batchnorm_network()), seed=3), steps=7)  # three batches a pass
    assert seeds == [3, 4, 5]


def test_the_start_is_not_changed():
    objective = curve()
    start = objective.masked.start
    before = start.clone()
    Adam(steps=3)(objective, start)
    assert torch.equal(start, before)


def test_a_loss_that_is_not_finite_at_the_start_is_bad_input():
    with pytest.raises(ResidualError, match="is nan before the first step"):
        solve(shaped(lambda a, b: a.log()))


def test_a_loss_that_is_lost_on_the_way_diverges_with_the_last_finite_weights():
    objective = shaped(lambda a, b: (a - 0.5).log() + 0 * b, a=1.0)  # falls without end towards a = 0.5
    result = solve(objective, steps=200, learning_rate=0.1)
    assert result.status == Status.DIVERGED
    assert torch.isfinite(torch.tensor(loss_at(objective, result.z)))


@pytest.mark.parametrize("steps", [1, 5])
def test_weights_are_finite_even_where_the_slope_is_not(steps):
    result = solve(shaped(lambda a, b: a.sqrt() + b**2, a=0.0), steps=steps)
    assert torch.isfinite(result.z).all()
    assert result.status == Status.DIVERGED


def test_no_steps_leave_the_start():
    objective = curve()
    result = solve(objective, steps=0)
    assert torch.equal(result.z, objective.masked.start)


def test_every_step_is_reported():
    reported = []
    objective = curve()
    result = Adam(steps=4)(objective, objective.masked.start, lambda step, loss: reported.append((step, loss)))
    assert reported == list(enumerate(result.history, start=1))
