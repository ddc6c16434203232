"""Further tries of a cold start: in their order, until one is solved or the effort is used up; the best is kept."""

import copy
from dataclasses import replace

import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.escalation import solve_cold
from pacpinn.continuation.settings import Settings
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers import accuracy
from pacpinn.solvers.base import Result, Status, silent
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.tasks.problem import Rung
from pacpinn.transfer.from_scratch import cold_start
from tests.toys import Decay, Waves, same_bits

STEPS = 100  # of each made-up try


@pytest.fixture(scope="module")
def solution():
    """Weights that solve the decay far within its tolerance."""
    task = Decay().task()
    task.tolerance = 1e-6
    masked, result = cold_start(Decay().initial_network(0), task)
    assert result.status is Status.CONVERGED
    return masked.weights


class Tries:
    """A solver that ends at a given distance from the solution in each of its calls, and stalls there."""

    def __init__(self, solution, *distances, seen=1e3):
        self.solution, self.distances, self.loss = solution, iter(distances), seen**2  # residual at training points
        self.seen = []  # of each call the problem's mark, and its start

    def __call__(self, objective, z, report):
        self.seen.append((getattr(objective.task.equation, "mark", None), z))
        moved = self.solution + next(self.distances) * torch.linspace(-1, 1, len(z), dtype=z.dtype)
        return Result(moved, Status.STALLED, steps=STEPS, seconds=1.0, history=[self.loss])


def marked(mark):
    problem = copy.copy(Decay())
    problem.mark = mark
    return problem


def rungs(*names, **options):
    return [Rung(name, marked(name), **options) for name in names]


def solved(solver, steps, effort=10_000, seed=0):
    problem = Decay()
    return solve_cold(problem, problem.source, Settings(solver=solver, effort=effort, seed=seed), steps, silent)


def test_a_start_that_is_solved_tries_no_rung(solution):
    solver = Tries(solution, 0.0)
    found = solved(solver, rungs("a", "b"))
    assert found.solved
    assert (found.tried, found.result.steps) == ((), STEPS)
    assert [mark for mark, _ in solver.seen] == [None]


def test_where_the_residual_is_small_at_the_training_points_alone_only_more_points_are_tried(solution):
    solver = Tries(solution, 0.1, 0.1, 0.1, 0.0, seen=1e-9)  # nor do other points help, twice
    found = solved(solver, [*rungs("a"), *rungs("b", more_points=True)])
    assert found.solved
    assert found.tried == ("b",)
    *_, (_, start) = solver.seen
    moved = solution + 0.1 * torch.linspace(-1, 1, len(solution), dtype=solution.dtype)
    assert same_bits(start, moved)  # from where the first try ended


def test_rungs_are_tried_in_their_order_until_one_is_solved(solution):
    solver = Tries(solution, 1.0, 1.0, 0.0)
    steps = rungs("a", "b", "c")
    found = solved(solver, steps)
    assert found.solved
    assert found.error <= Decay.tolerance
    assert found.tried == ("a", "b")
    assert [mark for mark, _ in solver.seen] == [None, "a", "b"]
    assert found.problem is steps[1].problem
    assert found.task.equation is steps[1].problem
    assert same_bits(found.masked.weights, solution)
    assert found.masked.free.all()


def test_steps_and_seconds_count_all_tries(solution):
    found = solved(Tries(solution, 1.0, 0.5, 0.0), rungs("a", "b"))
    assert (found.result.steps, found.result.seconds) == (3 * STEPS, 3.0)
    assert found.result.history == [1e6]  # of the try that is kept


def test_where_none_is_solved_the_one_with_the_least_error_is_kept(solution):
    found = solved(Tries(solution, 1.0, 0.1, 0.5), rungs("a", "b"))
    assert not found.solved
    assert found.tried == ("a", "b")
    assert found.problem.mark == "a"
    assert found.result.error_estimate == found.error > Decay.tolerance  # its bound is not much larger
    assert found.result.steps == 3 * STEPS


def test_a_small_estimate_with_a_large_bound_is_not_the_best(solution, monkeypatch):
    real, calls = accuracy.error_estimate, []

    def blind(*arguments):
        calls.append(arguments)
        found = real(*arguments)
        return replace(found, relative=1e-5, bound=1e3) if len(calls) == 2 else found

    monkeypatch.setattr("pacpinn.solvers.accuracy.error_estimate", blind)
    found = solved(Tries(solution, 1.0, 1.0, 0.1), rungs("blind", "better"))
    assert found.problem.mark == "better"


@pytest.mark.parametrize(
    ("effort", "tries"),
    [(0, 1), (STEPS, 1), (STEPS + 1, 2), (2 * STEPS, 2), (250, 3), ("1 s", 1), ("1.5 s", 2), ("2.5 s", 3)],
)
def test_no_try_begins_once_the_effort_is_used_up(solution, effort, tries):
    solver = Tries(solution, *[1.0] * 5)
    found = solved(solver, rungs("a", "b", "c", "d"), effort)
    assert len(solver.seen) == tries
    assert found.tried + found.left == ("a", "b", "c", "d")
    assert len(found.tried) == tries - 1


class Contradictory(Decay):
    def limits_accuracy(self, c):
        return True


@pytest.mark.parametrize(
    ("distances", "tried"),
    [((1.0, 0.9, 0.1), ("a",)), ((1.0, 0.1, 0.09, 0.0), ("a", "b")), ((1.0, 0.1, 0.0), ("a", "b"))],
)
def test_where_the_statement_limits_the_accuracy_tries_end_with_the_first_that_does_not_help(
    solution, distances, tried
):
    problem = Contradictory()
    settings = Settings(solver=Tries(solution, *distances), effort=10_000)
    found = solve_cold(problem, problem.source, settings, rungs("a", "b", "c"), silent)
    assert found.tried == tried
    assert found.left == ()  # it is not for want of effort


def test_a_rung_may_start_from_another_network(solution):
    solver = Tries(solution, 1.0, 1.0, 0.0)
    solved(solver, [Rung("same", Decay()), Rung("other", Decay(), seed=1)], seed=5)
    (_, first), (_, same), (_, other) = solver.seen
    assert same_bits(first, MaskedNetwork(Decay().initial_network(5)).weights)
    assert same_bits(same, first)
    assert same_bits(other, MaskedNetwork(Decay().initial_network(6)).weights)


def test_data_are_trained_once():
    problem = Waves()
    found = solve_cold(problem, problem.source, Settings(solver=pp.Adam(steps=2)), rungs("a"), silent)
    assert (found.tried, found.result.error_estimate, found.error) == ((), None, float("inf"))


def test_the_tolerance_and_precision_are_those_of_the_settings(solution):
    problem, settings = Decay(), Settings(tolerance=0.02, dtype=torch.float32, solver=LevenbergMarquardt())
    found = solve_cold(problem, problem.source, settings, rungs("a"), silent)
    assert found.solved
    assert (found.task.tolerance, found.masked.weights.dtype) == (0.02, torch.float32)


class Hasty(Decay):
    """A network so narrow that it misses a small tolerance; a wider one does not."""

    hidden = (1,)
    tolerance = 1e-5


def test_a_source_that_one_network_misses_is_solved_by_the_rungs_of_its_problem():
    problem = Hasty()
    alone = solve_cold(problem, problem.source, Settings(effort=0), problem.rungs(), silent)
    wide = copy.copy(problem)
    wide.hidden = (8, 8)
    found = solve_cold(problem, problem.source, Settings(), [Rung("wider", wide, same_network=False)], silent)
    assert not alone.solved
    assert (found.solved, found.tried) == (True, ("wider",))
    assert found.task.score(found.masked.forward(found.masked.start)).value < 2e-5
