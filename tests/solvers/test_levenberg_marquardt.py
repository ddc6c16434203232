"""Levenberg-Marquardt on least-squares problems with known answers."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pacpinn.errors import ResidualError, SolverError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Linearisation, Objective
from pacpinn.solvers.base import Status
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.tasks.task import Block
from tests.solvers.problems import Shaped, curve, loss_at, regression, rosenbrock
from tests.toys import CurveFit, Rosenbrock, point, small_network


def solve(objective: Objective, **settings):
    return LevenbergMarquardt(**settings)(objective, objective.masked.start)


# Known problems -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("penalty", "centre"), [(0.0, 0.0), (0.5, 0.0), (0.5, 2.0)])
def test_linear_regression_in_a_few_steps(penalty, centre):
    objective, solution = regression(penalty, centre)
    result = solve(objective, max_steps=5)
    torch.testing.assert_close(result.z, solution, rtol=1e-6, atol=1e-6)


def test_rosenbrock():
    result = solve(rosenbrock(tolerance=1e-10))
    assert result.status == Status.CONVERGED
    torch.testing.assert_close(result.z, torch.ones(2, dtype=torch.float64), rtol=1e-8, atol=1e-8)
    assert result.steps < 60


def test_a_network_fits_a_curve_to_its_tolerance():
    objective = curve(tolerance=1e-3)
    result = solve(objective)
    assert result.status == Status.CONVERGED
    assert loss_at(objective, result.z) <= 1e-6


def test_a_step_that_goes_too_far_is_taken_by_half():
    """On arctan(a) an undamped Gauss-Newton step from a = 2 ends at -3.54, where the residual is larger."""

    class Arctangent(Rosenbrock):
        def residuals(self, forward, batch):
            return [Block("arctangent", forward(batch)[0, :1].atan(), torch.zeros(1, 1, dtype=torch.long))]

    objective = Objective(Arctangent(), rosenbrock().masked)
    start = torch.tensor([2.0, 0.0], dtype=torch.float64)
    result = LevenbergMarquardt(damping=1e-12, acceleration=0.0, max_steps=1)(objective, start)
    assert float(result.z[0]) == pytest.approx(2 - 0.5 * 5 * math.atan(2))
    assert result.history[1] < result.history[0]


def test_every_accepted_step_lowers_the_loss():
    history = solve(curve(), max_steps=50).history
    assert all(after < before for before, after in itertools.pairwise(history))


def test_the_history_runs_from_the_start_to_the_result():
    objective = curve(tolerance=1e-3)
    result = solve(objective)
    assert result.history[0] == pytest.approx(loss_at(objective, objective.masked.start))
    assert result.history[-1] == pytest.approx(loss_at(objective, result.z))


def test_the_start_is_not_changed():
    objective = curve(tolerance=1e-3)
    start = objective.masked.start
    before = start.clone()
    LevenbergMarquardt()(objective, start)
    assert torch.equal(start, before)


# How a solve ends -----------------------------------------------------------------------------------------------------


def test_a_start_with_zero_residual_has_converged():
    objective = Objective(Rosenbrock(), rosenbrock().masked.with_mask(torch.tensor([True, True]), True))
    result = LevenbergMarquardt()(objective, torch.ones(2, dtype=torch.float64))
    assert (result.status, result.history[-1]) == (Status.CONVERGED, 0.0)
    assert torch.equal(result.z, torch.ones(2, dtype=torch.float64))


def test_a_start_within_tolerance_takes_no_step():
    result = solve(rosenbrock(tolerance=1e3))
    assert (result.status, result.steps) == (Status.CONVERGED, 0)


def test_the_penalty_does_not_count_towards_the_tolerance():
    objective = rosenbrock(tolerance=1e-3)
    objective.penalty, objective.centre = 1e-9, torch.tensor([1e3, 1e3], dtype=torch.float64)
    assert solve(objective).status == Status.CONVERGED


def test_a_solution_is_no_start_for_steps_whatever_the_penalty():
    objective = rosenbrock(tolerance=1e-3)
    objective.penalty = 1.0
    result = LevenbergMarquardt()(objective, torch.ones(2, dtype=torch.float64))
    assert (result.status, result.steps) == (Status.CONVERGED, 0)


def test_max_steps():
    result = solve(rosenbrock(tolerance=1e-10), max_steps=3)
    assert (result.status, result.steps) == (Status.MAX_STEPS, 3)


def test_a_tolerance_out_of_reach_stalls():
    objective, solution = regression()
    objective.task.tolerance = 1e-6
    result = solve(objective)
    assert result.status == Status.STALLED
    assert result.steps < 400
    torch.testing.assert_close(result.z, solution, rtol=1e-6, atol=1e-6)


def test_without_a_tolerance_a_loss_at_rest_has_converged():
    objective, _ = regression()
    assert solve(objective).status == Status.CONVERGED


class Logarithm(Rosenbrock):
    """log(1 + a) and b: residuals that are NaN for a < -1."""

    def residuals(self, forward, batch):
        a, b = forward(batch)[0]
        row = torch.zeros(1, 1, dtype=torch.long)
        return [Block("log", (1 + a).log()[None], row), Block("b", b[None], row)]


def test_a_step_to_nowhere_is_rejected():
    objective = Objective(Logarithm(), rosenbrock().masked)
    result = LevenbergMarquardt()(objective, torch.tensor([20.0, 1.0], dtype=torch.float64))
    assert result.status == Status.CONVERGED
    torch.testing.assert_close(result.z, torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-6)


def test_a_start_that_is_nowhere_is_bad_input():
    objective = Objective(Logarithm(), rosenbrock().masked)
    with pytest.raises(ResidualError, match="the log is not finite at 1 of 1 points before the first step"):
        LevenbergMarquardt()(objective, torch.tensor([-2.0, 1.0], dtype=torch.float64))


def test_a_singular_matrix_is_a_rejected_step_not_an_error():
    class Unmoved(Rosenbrock):
        def residuals(self, forward, batch):
            (block, _) = super().residuals(forward, batch)
            return [block, block, block]  # nothing depends on b

    objective = Objective(Unmoved(), rosenbrock().masked)
    result = solve(objective, damping=0.0, max_steps=4)
    assert torch.equal(result.z, objective.masked.start)


def test_a_start_from_which_no_step_is_finite_diverges():
    class Root(Rosenbrock):
        def residuals(self, forward, batch):
            a, b = forward(batch)[0]
            row = torch.zeros(1, 1, dtype=torch.long)
            return [Block("root", a.sqrt()[None], row), Block("b", b[None], row)]  # of infinite slope at a = 0

    start = torch.tensor([0.0, 1.0], dtype=torch.float64)
    result = LevenbergMarquardt()(Objective(Root(), rosenbrock().masked), start)
    assert result.status == Status.DIVERGED
    assert result.steps < 100
    assert torch.equal(result.z, start)


def test_a_task_without_residuals_is_refused():
    with pytest.raises(SolverError, match="'adam' or 'lbfgs'"):
        solve(Objective(Shaped(lambda a, b: a**2 + b**2), rosenbrock().masked))


# Fresh points ---------------------------------------------------------------------------------------------------------


class Sparse(CurveFit):
    """A sine at few points; the fresh ones lie in between."""

    def __init__(self, points: int) -> None:
        x = np.linspace(-1, 1, points)[:, None]
        super().__init__(x, np.sin(3 * x))
        self.dtype, self.tolerance = torch.float64, 1e-3

    def fresh(self, seed):
        x = torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None]
        return x, torch.sin(3 * x)


@pytest.mark.parametrize(("points", "status"), [(40, Status.CONVERGED), (3, Status.STALLED)])
def test_converged_is_what_holds_on_fresh_points_too(points, status):
    objective = Objective(Sparse(points), MaskedNetwork(small_network()))
    result = solve(objective)
    assert result.status == status
    assert loss_at(objective, result.z) <= 1e-6
    assert (objective.fresh_misfit(result.z[None]) <= 1e-6) == (status is Status.CONVERGED)
    assert objective.solved(result.z, result.history[-1]) == (status is Status.CONVERGED)


def test_a_start_that_is_solved_needs_no_jacobian(monkeypatch):
    objective = curve(tolerance=1e3)
    monkeypatch.setattr(Linearisation, "jacobian", property(lambda self: pytest.fail("it was asked for")))
    assert solve(objective).steps == 0


# Several targets at once ----------------------------------------------------------------------------------------------


class Exponentials:
    """Fits of amplitude * exp(-rate t) to several curves at once: `linearise` on ``(targets, 2)``."""

    penalty, centre, tolerance = 0.0, torch.zeros((), dtype=torch.float64), 1e-9
    t = torch.linspace(0, 1, 12, dtype=torch.float64)

    def __init__(self, truth: list[list[float]]) -> None:
        self.truth = torch.tensor(truth, dtype=torch.float64)
        self.data = self.curves(self.truth)

    def only(self, places):
        return Exponentials(self.truth[places].tolist())

    def curves(self, z):
        return z[:, :1] * torch.exp(-z[:, 1:] * self.t)

    def residuals(self, z):
        return (self.curves(z) - self.data) / len(self.t) ** 0.5

    def fresh_misfit(self, z):
        return self.residuals(z).square().sum(-1)

    def linearise(self, z):
        decay = torch.exp(-z[:, 1:] * self.t)
        jacobian = torch.stack([decay, -self.t * z[:, :1] * decay], dim=-1) / len(self.t) ** 0.5
        return SimpleNamespace(residuals=self.residuals(z), jacobian=jacobian, require_finite=lambda: None)


TRUTH = [[1.0, 2.0], [3.0, 0.5], [-2.0, 4.0]]


def test_several_targets_are_solved_at_once():
    objective = Exponentials(TRUTH)
    results = LevenbergMarquardt().solve(objective, torch.ones(3, 2, dtype=torch.float64))
    assert [each.status for each in results] == [Status.CONVERGED] * 3
    torch.testing.assert_close(torch.stack([each.z for each in results]), objective.truth, rtol=1e-6, atol=1e-6)


def test_together_each_target_goes_as_it_would_alone():
    start = torch.tensor([[1.0, 1.0], [2.0, 2.0], [-1.0, 1.0]], dtype=torch.float64)
    together = LevenbergMarquardt().solve(Exponentials(TRUTH), start)
    for k, result in enumerate(together):
        (alone,) = LevenbergMarquardt().solve(Exponentials(TRUTH[k : k + 1]), start[k : k + 1])
        assert (result.steps, result.status) == (alone.steps, alone.status)
        torch.testing.assert_close(result.z, alone.z, rtol=1e-10, atol=1e-10)


def test_a_target_that_is_done_rests_while_others_go_on():
    start = torch.tensor([TRUTH[0], [1.0, 1.0]], dtype=torch.float64)
    done, other = LevenbergMarquardt().solve(Exponentials(TRUTH[:2]), start)
    assert done.steps == 0
    assert other.steps > 0
    assert torch.equal(done.z, start[0])


def test_point_is_the_start_of_rosenbrock():
    assert rosenbrock().masked.start.tolist() == point().weight.flatten().tolist() == [-1.2, 1.0]
