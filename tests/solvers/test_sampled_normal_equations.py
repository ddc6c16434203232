"""Steps from a sample of the residuals: on all of them what the formed equations give, and on few a solution too."""

import pytest
import torch

import pacpinn as pp
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Status
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.solvers.normal_equations import NormalEquations, cost
from pacpinn.solvers.sampled_normal_equations import Sample, SampledNormalEquations
from tests.toys import Decay, SoftDecay


class Wide(SoftDecay):
    """More weights than residuals."""

    hidden = (24, 24)


def pair(size: int, penalty: float = 0.3) -> tuple[SampledNormalEquations, NormalEquations]:
    """The same problem by a sample and by the formed Jacobian."""
    masked = MaskedNetwork(Wide().initial_network(seed=0))
    z = masked.start[None]
    there, formed = (Objective(Wide().task(), masked, penalty).linearise(z) for _ in range(2))
    return (
        SampledNormalEquations(there.factored, there.residuals, z, penalty, Sample(size)),
        NormalEquations(formed.jacobian, formed.residuals, z, penalty),
    )


@pytest.mark.parametrize("penalty", [0.0, 0.3])
def test_on_all_residuals_it_is_the_formed_problem(penalty):
    sampled, formed = pair(1000, penalty)
    mu = torch.tensor([0.2], dtype=torch.float64)
    mine, its = sampled.damped(mu), formed.damped(mu)
    step = its.step()
    torch.testing.assert_close(mine.step(), step, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(
        mine.correction(sampled.residuals), its.correction(formed.residuals), rtol=1e-8, atol=1e-10
    )
    torch.testing.assert_close(sampled.along(step), formed.along(step), rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(
        cost(sampled.residuals, sampled.delta, sampled.penalty), cost(formed.residuals, formed.delta, formed.penalty)
    )


def test_on_few_it_is_the_formed_problem_of_these():
    sampled, formed = pair(7)
    mu = torch.tensor([0.2], dtype=torch.float64)
    damped = sampled.damped(mu)
    rows = damped.rows
    assert len(rows) == 7
    few = NormalEquations(formed.jacobian[:, rows], formed.residuals[:, rows], formed.delta, formed.penalty)
    torch.testing.assert_close(damped.step(), few.damped(mu).step(), rtol=1e-8, atol=1e-10)


def test_the_sample_is_drawn_anew_for_each_step_and_the_same_for_the_same_seed():
    first, second = Sample(5), Sample(5)
    draws = [first.draw(100) for _ in range(2)]
    assert not draws[0].equal(draws[1])
    assert draws[0].equal(second.draw(100))
    assert not draws[0].equal(Sample(5, seed=1).draw(100))


def test_the_sample_grows_when_it_does_not_speak_for_all():
    sample = Sample(8)
    sample.judge(torch.tensor(0.3), torch.tensor(0.1))
    assert sample.size == 8
    sample.judge(torch.tensor(0.6), torch.tensor(0.1))
    assert sample.size == 16
    for _ in range(20):
        sample.judge(torch.tensor(2.0), torch.tensor(0.1))
    assert sample.size == 4096


@pytest.mark.parametrize(("more", "kind"), [(0, SampledNormalEquations), (1, NormalEquations)])
def test_all_residuals_are_taken_once_a_sample_would_have_more_than_there_are_weights(more, kind):
    sampled, formed = pair(7)
    there = Objective(Wide().task(), MaskedNetwork(Wide().initial_network(seed=0)), 0.3).linearise(formed.delta)
    sampled.sample.size = formed.delta.shape[-1] + more
    moved = sampled.moved(torch.tensor([True]), there, formed.delta)
    assert type(moved) is kind
    torch.testing.assert_close(moved.residuals, formed.residuals)


def test_a_matrix_without_a_factor_gives_nan():
    sampled, _ = pair(7)
    sampled.residuals.fill_(torch.nan)
    step = sampled.damped(torch.tensor([torch.nan], dtype=torch.float64)).step()
    assert step.isnan().all()


@pytest.mark.parametrize("problem", [Decay, SoftDecay])
def test_a_solve_by_samples_meets_the_tolerance(problem, monkeypatch):
    monkeypatch.setattr("pacpinn.solvers.sampled_normal_equations._LARGE", 0)
    monkeypatch.setattr("pacpinn.solvers.running_targets.Sample", lambda seed: Sample(8, seed))
    monkeypatch.setattr(NormalEquations, "damped", lambda *_: pytest.fail("the Jacobian was formed"))
    objective = Objective(problem().task(), MaskedNetwork(problem().initial_network(seed=0)))
    result = LevenbergMarquardt()(objective, objective.masked.start)
    assert result.status is Status.CONVERGED
    assert objective.solved(result.z, result.history[-1])


def test_few_weights_are_solved_for_by_their_own_small_matrix(monkeypatch):
    monkeypatch.setattr("pacpinn.solvers.sampled_normal_equations._LARGE", 0)
    monkeypatch.setattr(SampledNormalEquations, "damped", lambda *_: pytest.fail("residuals were sampled"))
    problem = Decay()
    problem.points = pp.Points(domain=500)  # four times as many as the network's 97 weights, and more
    objective = Objective(problem.task(), MaskedNetwork(problem.initial_network(seed=0)))
    assert LevenbergMarquardt()(objective, objective.masked.start).status is Status.CONVERGED
