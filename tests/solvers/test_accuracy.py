"""Solving until the estimated error is within the tolerance, with made-up solvers and with real ones."""

import itertools
import math
from dataclasses import dataclass, field, replace

import pytest
import torch

import pacpinn as pp
from pacpinn.networks.error_estimate import error_estimate
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.solvers.accuracy import first_goal, presumed_error, solve_to_accuracy, to_accuracy
from pacpinn.solvers.base import Result, Status
from pacpinn.solvers.choice import InTurn
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from tests.networks.known_errors import cooling, jump, perturbed, saturated
from tests.solvers.problems import curve, regression
from tests.toys import Decay, small_network


@dataclass
class Halving:
    """A solver that brings the network nearer to where it is solved, by a share of the way in each call.

    It notes the goals it was given and says `status` whatever it did.
    """

    solution: torch.Tensor
    status: Status = Status.CONVERGED
    share: float = 0.5
    goals: list[float] = field(default_factory=list)

    def __call__(self, objective, z, report):
        self.goals.append(objective.tolerance)
        report(len(self.goals), 1.0)
        z = self.solution + self.share * (z - self.solution)
        return Result(z, self.status, steps=2, seconds=0.5, history=[1.0])


@pytest.fixture(scope="module")
def solved() -> Objective:
    """A network whose weights solve the decay to rounding, nearly; its tolerance is 1e-3."""
    problem = Decay()
    task, masked = problem.task(), MaskedNetwork(problem.initial_network(0))
    result = solve_to_accuracy(Objective(replace_tolerance(task, 1e-7), masked), LevenbergMarquardt(), masked.start)
    assert result.status is Status.CONVERGED
    return Objective(problem.task(), masked.with_mask(None, False, result.z))


def replace_tolerance(task, tolerance):
    task.tolerance = tolerance
    return task


def start(objective: Objective, error: float) -> torch.Tensor:
    """Weights at which the estimated error is about `error`."""
    direction = torch.randn(len(objective.masked.start), generator=torch.Generator().manual_seed(1)).double()
    z = objective.masked.start
    small = error_estimate(objective.task, objective.masked, z + 1e-4 * direction).relative
    return z + 1e-4 * error / small * direction


# Rounds and goals -----------------------------------------------------------------------------------------------------


def test_a_solve_that_is_accurate_at_once_has_one_round(solved):
    solver = Halving(solved.masked.start)
    result = solve_to_accuracy(solved, solver, start(solved, 1e-3))
    assert solver.goals == [3 * Decay.tolerance]
    assert (result.status, result.steps) == (Status.CONVERGED, 2)
    assert result.error_estimate == pytest.approx(5e-4, rel=0.2)
    assert result.error_estimate <= result.error_bound <= 10 * Decay.tolerance


def test_it_goes_on_until_the_estimate_is_within_the_tolerance(solved):
    solver = Halving(solved.masked.start)
    result = solve_to_accuracy(solved, solver, start(solved, 6e-3))
    assert result.status is Status.CONVERGED
    assert len(solver.goals) == 3  # errors of 3e-3, 1.5e-3 and 0.75e-3
    assert (result.steps, result.seconds, result.history) == (6, 1.5, [1.0] * 3)
    assert Decay.tolerance / 2 < result.error_estimate <= Decay.tolerance


def test_the_goal_falls_as_the_error_must_to_half_of_the_tolerance(solved):
    solver = Halving(solved.masked.start, share=1.0)
    found = error_estimate(solved.task, solved.masked, z := start(solved, 5e-3)).relative
    solve_to_accuracy(solved, solver, z)
    assert solver.goals[1] / solver.goals[0] == pytest.approx(0.5 * Decay.tolerance / found)


def test_the_goal_falls_by_ten_at_most_and_by_two_at_least(solved):
    far, near = Halving(solved.masked.start, share=1.0), Halving(solved.masked.start, share=1.0)
    solve_to_accuracy(solved, far, start(solved, 0.3))
    assert far.goals[1] == pytest.approx(far.goals[0] / 10)
    solve_to_accuracy(solved, near, start(solved, 1.1e-3))
    assert near.goals[1] <= near.goals[0] / 2


def test_after_eight_rounds_without_the_accuracy_it_has_stalled(solved):
    solver = Halving(solved.masked.start, share=1.0)
    result = solve_to_accuracy(solved, solver, start(solved, 0.01))
    assert (result.status, len(solver.goals)) == (Status.STALLED, 8)
    assert solver.goals == sorted(solver.goals, reverse=True)
    assert result.error_estimate > Decay.tolerance


def test_of_solvers_in_turn_the_last_takes_the_further_rounds(solved):
    still = Halving(solved.masked.start, Status.STALLED, share=1.0)
    first, last = replace(still, goals=[]), Halving(solved.masked.start)
    solve_to_accuracy(solved, InTurn([first, last]), start(solved, 6e-3))
    assert (len(first.goals), len(last.goals)) == (1, 3)


def test_a_first_round_may_have_been_solved_elsewhere(solved):
    z, solver = start(solved, 6e-3), Halving(solved.masked.start)
    first = solver(solved, z, lambda *_: None)
    result = to_accuracy(solved, solver, first)
    whole = solve_to_accuracy(solved, Halving(solved.masked.start), z)
    assert torch.equal(result.z, whole.z)
    assert (result.steps, result.status, result.error_estimate) == (whole.steps, whole.status, whole.error_estimate)


def test_every_round_reports(solved):
    reported = []
    solve_to_accuracy(solved, Halving(solved.masked.start), start(solved, 6e-3), lambda *each: reported.append(each))
    assert reported == [(1, 1.0), (2, 1.0), (3, 1.0)]


# Rounds that end early ------------------------------------------------------------------------------------------------


@dataclass
class Slow:
    """A solver whose loss is ``residual²`` for 50 steps, or until it is told to end; it moves half of the way.

    It notes the goals it was given, and the steps it took in each call.
    """

    solution: torch.Tensor
    residuals: list[float]
    goals: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    def __call__(self, objective, z, report):
        loss = self.residuals[len(self.goals)] ** 2
        self.goals.append(objective.tolerance)
        ended = next((step for step in range(1, 51) if report(step, loss)), None)
        self.steps.append(ended or 50)
        status = Status.MAX_STEPS if ended else Status.STALLED
        return Result(self.solution + 0.5 * (z - self.solution), status, self.steps[-1], 0.1, history=[loss])


def test_a_slow_round_ends_once_its_residual_is_small_and_the_error_decides(solved):
    solver = Slow(solved.masked.start, residuals=[2 * Decay.tolerance])
    result = solve_to_accuracy(solved, solver, start(solved, 1e-3))
    assert (result.status, result.steps) == (Status.CONVERGED, 11)  # ten steps in which it fell by less than half


def test_a_slow_round_goes_on_while_its_residual_is_large(solved):
    solver = Slow(solved.masked.start, residuals=[4 * Decay.tolerance])
    result = solve_to_accuracy(solved, solver, start(solved, 6e-3))
    assert (result.status, solver.steps) == (Status.STALLED, [50])


def test_after_a_slow_round_the_next_one_aims_lower_than_what_was_reached(solved):
    reached = 2 * Decay.tolerance
    solver = Slow(solved.masked.start, residuals=[reached, reached / 4])
    result = solve_to_accuracy(solved, solver, start(solved, 3.8e-3))
    assert result.status is Status.CONVERGED
    assert solver.steps == [11, 11]  # the error was 1.9 times the tolerance: asked again at that share of the residual
    assert solver.goals[1] == pytest.approx(reached * 0.5 / 1.9, rel=0.1)


def test_a_slow_round_ends_again_only_where_its_residual_promises_the_tolerance(solved):
    reached = 2 * Decay.tolerance
    solver = Slow(solved.masked.start, residuals=[reached, 0.8 * reached])
    solve_to_accuracy(solved, solver, start(solved, 7e-3))
    assert solver.steps == [11, 50]


def test_data_are_fitted_as_far_as_the_solver_goes():
    objective = curve(tolerance=0.1)
    solver = Slow(objective.masked.start, residuals=[0.05])
    solve_to_accuracy(objective, solver, objective.masked.start)
    assert solver.steps == [50]


def test_a_report_that_ends_a_solve_ends_its_rounds(solved):
    solver = Slow(solved.masked.start, residuals=[2 * Decay.tolerance])
    result = solve_to_accuracy(solved, solver, start(solved, 0.1), lambda step, loss: step == 5)
    assert (result.status, solver.steps) == (Status.MAX_STEPS, [5])


# Other training points ------------------------------------------------------------------------------------------------


@dataclass
class Choosy:
    """A solver that brings the network nearer to where it is solved, and rests with no residual at its points.

    It notes the training points of each call; it goes `shares` of what is left of the way.
    """

    solution: torch.Tensor
    shares: list[float]
    points: list[torch.Tensor] = field(default_factory=list)

    def __call__(self, objective, z, report):
        share = self.shares[len(self.points)]
        self.points.append(objective.task.everything().x)
        return Result(self.solution + (1 - share) * (z - self.solution), Status.STALLED, 1, 0.1, history=[0.0])


@pytest.mark.parametrize(
    ("shares", "calls", "status"),
    [
        ([0.0, 0.9, 0.9, 0.9], 3, Status.CONVERGED),
        ([0.0, 0.0, 0.9, 0.9], 4, Status.CONVERGED),  # one choice may not help
        ([0.0, 0.0, 0.0], 3, Status.STALLED),  # two may not
        ([0.0, *[0.33] * 8], 9, Status.STALLED),  # at most eight choices
    ],
)
def test_a_solve_that_rests_between_its_points_goes_on_on_others(solved, shares, calls, status):
    solver = Choosy(solved.masked.start, shares)
    result = solve_to_accuracy(solved, solver, start(solved, 0.03))
    assert (result.status, len(solver.points), result.steps) == (status, calls, calls)
    assert all(each.shape == solver.points[0].shape for each in solver.points)
    assert not any(torch.equal(one, other) for one, other in itertools.combinations(solver.points, 2))


def test_an_equation_may_keep_its_points(solved):
    class Fixed(Decay):
        adaptive = 0

    task, solver = Fixed().task(), Choosy(solved.masked.start, [0.0])
    solve_to_accuracy(replace(solved, task=task), solver, start(solved, 0.03))
    assert len(solver.points) == 1


# Statuses -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.STALLED, Status.MAX_STEPS])
def test_a_residual_that_falls_no_further_is_no_matter_where_the_error_is_small(solved, status):
    solver = Halving(solved.masked.start, status)
    result = solve_to_accuracy(solved, solver, start(solved, 1e-3))
    assert (result.status, len(solver.goals)) == (Status.CONVERGED, 1)


@pytest.mark.parametrize("status", [Status.STALLED, Status.MAX_STEPS])
def test_a_solver_that_gave_up_is_not_called_again(solved, status):
    solver = Halving(solved.masked.start, status)
    result = solve_to_accuracy(solved, solver, start(solved, 0.1))
    assert (result.status, len(solver.goals)) == (status, 1)
    assert result.error_estimate > Decay.tolerance


def test_what_diverged_has_not_converged(solved):
    solver = Halving(solved.masked.start, Status.DIVERGED)
    assert solve_to_accuracy(solved, solver, start(solved, 1e-4)).status is Status.DIVERGED


def stays(status=Status.CONVERGED):
    """A solver that leaves the weights as they are, and believes that they solve the task."""
    return lambda objective, z, report: Result(z, status, steps=1, seconds=0.0)


def test_a_small_residual_beside_a_large_error_has_not_converged():
    """Up to the training points' end the equation holds; between two of them the solution leaves it for another."""
    solution = perturbed(cooling(), jump(place=8.5 / 32))
    objective = Objective(solution.task, solution.masked)
    z = solution.masked.start
    inside = objective.linearise(z[None]).residuals
    assert float(inside.norm()) < 1e-3  # all that training sees
    result = solve_to_accuracy(objective, stays(), z)
    assert result.status is Status.STALLED
    assert result.error_estimate > 0.5 * solution.error


@pytest.mark.parametrize("factor", [10, 100, 1000])
def test_a_saturated_network_does_not_converge(factor):
    masked = MaskedNetwork(saturated(factor))
    result = solve_to_accuracy(Objective(Decay().task(), masked), stays(), masked.start)
    assert result.status is Status.STALLED
    assert presumed_error(result.error_estimate, result.error_bound) > Decay.tolerance


def test_an_estimate_with_a_large_bound_is_not_believed(solved, monkeypatch):
    real = error_estimate(solved.task, solved.masked, solved.masked.start)
    bounds = iter([1.0, 0.02, 4 * Decay.tolerance])
    monkeypatch.setattr("pacpinn.solvers.accuracy.error_estimate", lambda *_: replace(real, bound=next(bounds)))
    solver = Halving(solved.masked.start)
    assert solve_to_accuracy(solved, solver, solved.masked.start).status is Status.CONVERGED
    assert len(solver.goals) == 3


def test_the_presumed_error_is_the_estimate_or_a_quarter_of_its_bound():
    assert presumed_error(1e-3, 4e-3) == presumed_error(1e-3, None) == 1e-3
    assert presumed_error(1e-3, 0.4) == pytest.approx(0.1)
    assert presumed_error(1e-3, math.inf) == math.inf


def test_infinite_estimates_are_no_accuracy(solved, monkeypatch):
    real = error_estimate(solved.task, solved.masked, solved.masked.start)
    endless = replace(real, relative=math.inf, bound=math.inf)
    monkeypatch.setattr("pacpinn.solvers.accuracy.error_estimate", lambda *_: endless)
    solver = Halving(solved.masked.start)
    assert solve_to_accuracy(solved, solver, solved.masked.start).status is Status.STALLED
    assert all(math.isfinite(goal) and goal > 0 for goal in solver.goals)


# Without estimates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.CONVERGED, Status.STALLED, Status.DIVERGED])
@pytest.mark.parametrize("tolerance", [None, 1e-3])
def test_tasks_without_an_estimate_are_solved_once_as_the_solver_does_it(status, tolerance):
    objective = curve(tolerance)
    solver = Halving(objective.masked.start, status)
    result = solve_to_accuracy(objective, solver, objective.masked.start)
    assert (result.status, solver.goals) == (status, [tolerance])
    assert (result.error_estimate, result.error_bound) == (None, None)


def test_a_regression_has_the_solution_of_the_solver():
    objective, solution = regression()
    result = solve_to_accuracy(objective, LevenbergMarquardt(), objective.masked.start)
    torch.testing.assert_close(result.z, solution, rtol=1e-5, atol=1e-8)


# The default solver ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-4, 1e-5])
@pytest.mark.parametrize("units", [{}, {"offset": 293.0, "amplitude": 40.0, "duration": 3600.0}], ids=["unit", "SI"])
def test_the_true_error_is_within_the_tolerance(tolerance, units):
    problem = cooling(**units, tolerance=tolerance)
    task, masked = problem.task(), MaskedNetwork(problem.initial_network(0))
    result = solve_to_accuracy(Objective(task, masked), LevenbergMarquardt(), masked.start)
    assert result.status is Status.CONVERGED
    assert task.score(masked.forward(result.z)).value < 2 * tolerance


def test_a_measured_task_is_solved_to_its_residual():
    task = Decay().task().with_measurements(pp.Measurements([[0.5]], [[0.6065]], 0.01))
    masked = MaskedNetwork(small_network())
    result = solve_to_accuracy(Objective(task, masked), LevenbergMarquardt(), masked.start)
    assert result.status is Status.CONVERGED
    assert result.error_estimate is None


def test_a_solution_nearby_tells_the_first_goal(solved):
    task = replace_tolerance(solved.task, 1e-3)
    assert first_goal(task) == pytest.approx(3e-3)
    assert first_goal(task, error_per_residual=1.0) == pytest.approx(0.5e-3)  # half the tolerance is aimed at
    assert first_goal(task, error_per_residual=0.1) == pytest.approx(5e-3)
    assert first_goal(task, error_per_residual=1e-9) == pytest.approx(30e-3)
    assert first_goal(task, error_per_residual=1e9) == pytest.approx(0.3e-3)
