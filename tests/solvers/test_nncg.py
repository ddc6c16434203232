"""NysNewton-CG on the free weights."""

import random

import numpy as np
import pytest
import torch

from pacpinn.errors import ResidualError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Status
from pacpinn.solvers.nncg import NNCG
from tests.solvers.problems import curve, loss_at, regression, rosenbrock, shaped
from tests.toys import Decay, small_network, wave


def solve(objective: Objective, **settings):
    return NNCG(**settings)(objective, objective.masked.start)


@pytest.mark.parametrize(("penalty", "centre"), [(0.0, 0.0), (0.5, 2.0)])
def test_linear_regression(penalty, centre):
    objective, solution = regression(penalty, centre)
    torch.testing.assert_close(solve(objective).z, solution, rtol=1e-6, atol=1e-6)


def test_a_quadratic_loss_without_damping_takes_one_newton_step():
    objective, solution = regression()
    torch.testing.assert_close(solve(objective, steps=1, damping=0.0).z, solution, rtol=1e-8, atol=1e-8)


def test_rosenbrock():
    result = solve(rosenbrock(tolerance=1e-6))
    assert result.status == Status.CONVERGED
    torch.testing.assert_close(result.z, torch.ones(2, dtype=torch.float64), rtol=1e-4, atol=1e-4)


def test_a_loss_without_residuals():
    result = solve(shaped(lambda a, b: (a - 2) ** 4 + (b - a) ** 2), steps=60)
    torch.testing.assert_close(result.z, torch.tensor([2.0, 2.0], dtype=torch.float64), rtol=0, atol=0.1)


def test_an_equation_is_solved_on_fresh_points_too():
    task = Decay().task()
    task.tolerance = 4e-3
    objective = Objective(task, MaskedNetwork(Decay().initial_network(0)))
    result = solve(objective, cg_steps=50)
    assert result.status == Status.CONVERGED
    assert float(objective.fresh_misfit(result.z[None])) <= task.tolerance**2
    assert task.score(objective.masked.forward(result.z)).value < 4e-3


def test_the_steps_were_too_few():
    assert solve(rosenbrock(tolerance=1e-9), steps=5).status == Status.MAX_STEPS


def test_a_tolerance_out_of_reach_stalls():
    objective, _ = regression()
    objective.task.tolerance = 1e-6
    assert solve(objective).status == Status.STALLED


def test_a_start_within_tolerance_takes_no_step():
    objective = rosenbrock(tolerance=1e3)
    result = solve(objective)
    assert (result.status, result.steps) == (Status.CONVERGED, 0)
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


def test_a_slope_that_is_not_finite_diverges_with_finite_weights():
    objective = shaped(lambda a, b: a.sqrt() + b**2, a=0.0)
    result = solve(objective)
    assert result.status == Status.DIVERGED
    assert torch.equal(result.z, objective.masked.start)


def test_a_step_beyond_the_losss_domain_is_shortened():
    objective = shaped(lambda a, b: -a.log() + 5 * a + b**2, a=1.0)  # the whole step leads to a < 0
    result = solve(objective)
    torch.testing.assert_close(result.z, torch.tensor([0.2, 0.0], dtype=torch.float64), rtol=0, atol=1e-3)


def test_a_hessian_of_low_rank_is_no_obstacle():
    """Twenty weights of which the loss sees the sum alone."""
    layer = torch.nn.Linear(20, 1, bias=False, dtype=torch.float64)
    task = wave(rows=1).to(torch.float64)
    task.x, task.y = np.ones((1, 20)), np.ones((1, 1))
    result = solve(Objective(task, MaskedNetwork(layer)))
    assert float(result.z.sum()) == pytest.approx(1)


def test_the_best_weights_found_are_returned():
    objective = curve()
    result = solve(objective, steps=20)
    assert loss_at(objective, result.z) == pytest.approx(min(result.history))


def test_single_precision():
    objective = Objective(wave(), MaskedNetwork(small_network(dtype=torch.float32)))
    result = solve(objective, steps=8, damping=0.1, cg_steps=20)
    assert result.z.dtype == torch.float32
    assert result.history[-1] < 0.9 * result.history[0]


def test_random_streams_and_default_dtype_stay_as_they_are_and_the_seed_decides(capfd):
    torch.manual_seed(3)
    before = torch.get_rng_state(), random.getstate(), torch.get_default_dtype()
    first = solve(curve(), steps=3, cg_steps=2)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), torch.get_default_dtype()) == before[1:]
    torch.manual_seed(4)
    assert torch.equal(solve(curve(), steps=3, cg_steps=2).z, first.z)
    assert capfd.readouterr() == ("", "")  # DeepXDE prints that the conjugate gradients have not converged


def test_the_start_is_not_changed():
    objective = curve()
    start = objective.masked.start
    before = start.clone()
    NNCG(steps=3)(objective, start)
    assert torch.equal(start, before)


def test_every_step_is_reported():
    reported = []
    objective = curve()
    result = NNCG(steps=3)(objective, objective.masked.start, lambda step, loss: reported.append((step, loss)))
    assert reported == list(enumerate(result.history[1:], start=1))
