"""Early stopping: when Adam stops, and with which weights."""

import pytest
import torch

from pacpinn.errors import SolverError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Status
from tests.solvers.problems import curve, noisy_line, shaped
from tests.toys import batchnorm_network, same_bits, wave


def solve(objective: Objective, **settings):
    return Adam(**settings)(objective, objective.masked.start)


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
