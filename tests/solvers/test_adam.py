"""Adam on the free weights; when early stopping ends it, and with which weights."""

import pytest
import torch

from pacpinn.errors import ResidualError, SolverError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Status
from tests.solvers.problems import curve, loss_at, noisy_line, regression, shaped
from tests.toys import batchnorm_network, same_bits, wave


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


# Early stopping -------------------------------------------------------------------------------------------------------


def watched(objective: Objective, losses) -> Objective:
    """The objective with a validation loss by script, one for each look; the last repeats."""
    script = iter([*losses[:-1]])
    objective.task.validation = lambda forward: torch.tensor(next(script, losses[-1]))
    return objective


def test_what_is_learnt_by_heart_is_not_taken():
    objective = noisy_line()
    lowest = objective.validation(solve(objective, steps=400, learning_rate=0.02, patience=5).z)
    assert lowest < 0.9 * objective.validation(solve(objective, steps=400, learning_rate=0.02).z)


def test_the_weights_are_the_best_of_all_looks():
    objective, seen = noisy_line(), []
    validation = objective.task.validation
    objective.task.validation = lambda forward: seen.append(float(validation(forward))) or validation(forward)
    result = solve(objective, steps=400, learning_rate=0.02, patience=5)
    assert float(validation(objective.masked.forward(result.z))) == min(seen)


def test_patience_counts_passes_since_the_best():
    # Four batches a pass. Looks: at the start, then after each pass; the lowest after the second, three in vain.
    result = solve(watched(noisy_line(), [5.0, 4.0, 1.0, 2.0, 2.0, 1.0]), steps=400, patience=3)
    assert (result.status, result.steps, len(result.history)) == (Status.CONVERGED, 5 * 4, 5 * 4)
    assert torch.equal(result.z, solve(watched(noisy_line(), [5.0, 4.0, 1.0, 2.0]), steps=400, patience=1).z)


def test_nothing_better_than_the_start_leaves_the_start():
    objective = watched(noisy_line(), [1.0, 2.0])
    assert torch.equal(solve(objective, steps=100, patience=2).z, objective.masked.start)


def test_a_last_pass_that_is_not_whole_is_looked_at_too():
    objective = watched(noisy_line(), [3.0, 2.0, 1.0])
    whole = solve(noisy_line(), steps=6)  # one and a half passes
    assert torch.equal(solve(objective, steps=6, patience=9).z, whole.z)


def test_a_validation_loss_that_is_no_number_is_no_better():
    objective = watched(noisy_line(), [1.0, float("nan")])
    assert torch.equal(solve(objective, steps=100, patience=2).z, objective.masked.start)


def test_statistics_of_batch_normalisation_return_with_the_weights():
    def after(steps, losses, **settings):
        objective = watched(Objective(wave(), MaskedNetwork(batchnorm_network())), losses)
        return objective.masked.module(solve(objective, steps=steps, **settings).z)

    stopped = after(60, [2.0, 1.0, 3.0], patience=4)  # best after the first pass of three batches
    assert same_bits(stopped, after(60, [2.0, 1.0, 3.0], patience=1))
    assert stopped[1].num_batches_tracked == 3


def test_a_task_that_stays_above_its_tolerance_has_stalled():
    objective = watched(curve(tolerance=1e-9), [1.0, 2.0])
    assert solve(objective, steps=50, patience=3).status == Status.STALLED


def test_weights_that_reach_the_tolerance_are_taken_whatever_validation_says():
    objective = watched(curve(tolerance=0.3), [1.0, 2.0])
    result = solve(objective, steps=500, learning_rate=0.02, patience=500)
    assert result.status == Status.CONVERGED
    assert objective.solved(result.z, result.history[-1])


def test_what_diverges_gives_the_best_weights_before():
    objective = shaped(lambda a, b: (a - 0.5).log() + 0 * b, a=1.0)
    objective.task.validation = lambda forward: (forward(torch.ones(1, 1, dtype=torch.float64))[0, 0] - 0.8).square()
    result = solve(objective, steps=200, learning_rate=0.1, patience=100)
    assert result.status == Status.DIVERGED
    assert abs(float(result.z[0]) - 0.8) < 0.1


def test_patience_without_validation_data_says_what_to_do():
    with pytest.raises(SolverError, match="patience=5 needs validation data, and CurveFit has none; set some aside"):
        solve(curve(), patience=5)


@pytest.mark.parametrize("patience", [0, -1])
def test_a_patience_below_one_is_refused(patience):
    with pytest.raises(SolverError, match=f"patience={patience}; expected 1 or more passes"):
        solve(noisy_line(), patience=patience)
