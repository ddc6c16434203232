"""The targets of a solve: which run, which are removed, and their results."""

import pytest
import torch

from pacpinn.solvers.base import Status
from pacpinn.solvers.running_targets import RunningTargets, Trial
from tests.solvers.test_levenberg_marquardt import TRUTH, Exponentials


@pytest.fixture
def targets() -> RunningTargets:
    return RunningTargets(Exponentials(TRUTH), torch.ones(3, 2, dtype=torch.float64), damping=1e-3)


def end(targets: RunningTargets, *places: int) -> None:
    for k in places:
        targets.states[k].status = Status.CONVERGED


def moved(targets: RunningTargets, *accepted: bool) -> Trial:
    """A trial in which these targets moved by 1."""
    mask = torch.tensor(accepted)
    ahead = targets.z + 1
    there = targets.objective.linearise(ahead)
    return Trial(torch.where(mask[:, None], ahead, targets.z), there, mask, mask, there.residuals.square().sum(-1))


def test_the_first_damping_grows_with_the_residual_and_is_bounded():
    far, near = torch.tensor([[100.0, 0.0]]).double(), torch.tensor(TRUTH[:1]).double()
    assert RunningTargets(Exponentials(TRUTH[:1]), far, 0.5).mu.item() == 0.5
    assert RunningTargets(Exponentials(TRUTH[:1]), near, 0.5).mu.item() == 0.5e-6


def test_targets_that_have_ended_stay_until_they_are_half(targets):
    end(targets, 0)
    targets.compact()
    assert len(targets.states) == len(targets.z) == 3
    end(targets, 2)
    targets.compact()
    assert len(targets.states) == len(targets.z) == len(targets.mu) == len(targets.linearisation.residuals) == 1
    torch.testing.assert_close(targets.objective.truth, torch.tensor(TRUTH[1:2], dtype=torch.float64))
    assert targets.running.tolist() == [True]


def test_the_problems_of_those_left_are_what_they_were(targets):
    targets.normal_equations()
    targets.take(moved(targets, True, False, True), step=1)
    before = targets.normal_equations()
    end(targets, 0, 2)
    targets.compact()
    (left,) = targets.normal_equations().jacobian
    assert torch.equal(left, before.jacobian[1])


def test_a_rejected_step_keeps_the_problem_and_an_accepted_one_moves_it(targets):
    before = targets.normal_equations()
    trial = moved(targets, True, False, True)
    targets.take(trial, step=1)
    after = targets.normal_equations()
    assert torch.equal(after.residuals[0], trial.linearisation.residuals[0])
    assert torch.equal(after.residuals[1], before.residuals[1])


def test_steps_are_counted_for_those_that_run_and_losses_for_those_that_moved(targets):
    end(targets, 0)
    targets.take(moved(targets, False, True, False), step=4)
    assert [state.steps for state in targets.states] == [0, 4, 4]
    assert [len(state.losses) for state in targets.states] == [1, 2, 1]
    assert torch.equal(targets.states[1].z, torch.full((2,), 2.0, dtype=torch.float64))


def test_results_are_of_all_targets_in_their_order(targets):
    end(targets, 0, 2)
    targets.compact()
    results = targets.results(seconds=6.0)
    assert [each.status for each in results] == [Status.CONVERGED, Status.MAX_STEPS, Status.CONVERGED]
    assert [each.seconds for each in results] == [2.0] * 3
