"""One step from a solved coefficient to the next."""

import math
from dataclasses import replace

import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.settings import Settings, StepContext
from pacpinn.continuation.solution import SolutionOnBase
from pacpinn.continuation.step_control import continue_to
from pacpinn.solvers.base import Result, Status
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from tests.continuation.test_calibration import Edge
from tests.toys import Decay, Waves, same_bits


def step(family, solver=None, problem=None, **target):
    problem = problem or family.problem
    settings = Settings(keep=0.5, solver=solver, halvings=target.pop("halvings", 3), bases=1)
    segment = PathSegment(on_base(family, family.source), problem.at(target))
    return continue_to(StepContext(problem, family.bases, settings), segment).found.solution


@pytest.fixture
def solver_decides(monkeypatch):
    """No error is estimated, so that what a made-up solver says of its solve is taken."""
    monkeypatch.setattr("pacpinn.solvers.accuracy.error_estimate", lambda *_: None)


def on_base(family, solution):
    return SolutionOnBase(solution, family.bases[solution.base])


class Recording:
    """A solver that notes where it was called, with how many steps, and answers as `status` says."""

    def __init__(self, solver=None, status=None):
        self.solver, self.status, self.steps, self.places = solver, status, [], []

    def __call__(self, objective, z, report):
        if self.status is None:
            result = self.solver(objective, z, report)
        else:
            result = Result(z, self.status, steps=1, seconds=0.0, history=[1.0])
        self.steps.append(result.steps)
        self.places.append(objective.task.coefficients)
        return result


# Purity ---------------------------------------------------------------------------------------------------------------


def test_the_same_step_twice_gives_the_same_bits(family):
    torch.manual_seed(1)
    first = step(family, k=1.8)
    torch.manual_seed(2)
    second = step(family, k=1.8)
    assert same_bits(first.z, second.z)
    assert (first.history, first.residual, first.score) == (second.history, second.residual, second.score)


def test_parent_and_base_stay_bit_for_bit(family):
    weights, z = family.bases[0].masked.weights.clone(), family.source.z.clone()
    step(family, k=1.8)
    assert same_bits(family.bases[0].masked.weights, weights)
    assert same_bits(family.source.z, z)


# What a step gives ----------------------------------------------------------------------------------------------------


def test_a_step_solves_the_target_and_knows_its_parent(family):
    solution = step(family, k=1.8)
    assert solution.status == Status.CONVERGED
    assert (solution.coefficients, solution.parent) == (pp.Coefficients(k=1.8), pp.Coefficients(k=1.0))
    assert solution.score.value < 5e-3


def test_a_step_starts_at_its_parent(family):
    near = family.targets[0]
    context = StepContext(family.problem, family.bases, Settings())
    again = continue_to(context, PathSegment(on_base(family, near), near.coefficients)).found.solution
    assert again.steps == 0
    assert same_bits(again.z, near.z)


def test_the_residual_is_judged_on_points_that_training_did_not_see(family):
    solution = step(family, k=1.8)
    task = family.problem.task(k=1.8)
    forward = family.bases[0].masked.forward(solution.z)
    fresh, training = (task.loss(forward, batch).sqrt().item() for batch in (task.fresh(1), task.everything()))
    assert solution.residual == pytest.approx(fresh)
    assert solution.residual != pytest.approx(training)


# Adaptive steps -------------------------------------------------------------------------------------------------------


def short_sighted(reach: float = 1.5):
    """A solver that converges within a factor of `reach` from where it last did, starting at k = 1."""
    at = 1.0

    def solve(objective, z, report):
        nonlocal at
        k = objective.task.coefficients.k
        if not at / reach < k < at * reach:
            return Result(z, Status.STALLED, steps=1, seconds=0.0, history=[1.0])
        at = k
        return Result(z, Status.CONVERGED, steps=1, seconds=0.0, history=[0.0])

    return Recording(solve)


def places(solver, k: float) -> list[float]:
    """Where a solver was called, as shares of the way from 1 to `k`."""
    return [math.log(each.k) / math.log(k) for each in solver.places]


def test_a_step_that_fails_is_halved_and_one_that_succeeds_is_followed_by_a_longer_one(family, solver_decides):
    assert step(family, short_sighted(), k=4.0, halvings=0).status == Status.STALLED
    solver = short_sighted()
    solution = step(family, solver, k=4.0)
    assert places(solver, 4.0) == pytest.approx([1, 1 / 2, 1 / 4, 3 / 4, 1 / 2, 1, 3 / 4, 1])
    assert solution.status == Status.CONVERGED
    assert solution.coefficients == pp.Coefficients(k=4.0)
    assert solution.parent == pp.Coefficients(k=1.0)
    assert solution.reached is None


def test_after_a_step_that_succeeds_the_rest_of_the_way_may_be_halved_again(family, solver_decides):
    at = 1.0

    def tiring(objective, z, report):
        """Goes by a factor of 2 up to k = 2, then by one of 1.5."""
        nonlocal at
        k = objective.task.coefficients.k
        status = Status.CONVERGED if k < at * (2.1 if at < 1.9 else 1.5) else Status.STALLED
        at = k if status is Status.CONVERGED else at
        return Result(z, status, steps=1, seconds=0.0)

    solver = Recording(tiring)
    assert step(family, solver, k=4.0).status == Status.CONVERGED
    assert places(solver, 4.0) == pytest.approx([1, 1 / 2, 1, 3 / 4, 1])


def test_the_step_is_halved_where_the_equation_has_no_meaning_at_its_start(family):
    solution = step(family, problem=Edge(), k=3.0)
    assert solution.status is Status.DIVERGED
    assert 1.5 < solution.reached.k < 2.0


def test_steps_count_everything_that_was_tried(family):
    solver = Recording(LevenbergMarquardt(max_steps=4))
    solution = step(family, solver, k=3.0)
    assert len(solver.steps) > 3
    assert solution.steps == sum(solver.steps)


def test_what_cannot_be_solved_ends_after_all_halvings_and_names_the_last_good_coefficient(family, solver_decides):
    solver = Recording(status=Status.STALLED)
    solution = step(family, solver, k=4.0, halvings=2)
    assert (solution.status, solution.coefficients) == (Status.STALLED, pp.Coefficients(k=4.0))
    assert solution.reached == pp.Coefficients(k=1.0)
    assert places(solver, 4.0) == pytest.approx([1, 1 / 2, 1 / 4])
    assert solution.steps == 3
    solver = short_sighted(reach=2.1)
    assert step(family, solver, k=8.0, halvings=1).reached == pp.Coefficients(k=1.0)
    solution = step(family, short_sighted(reach=3.0), k=9.9, halvings=1)
    assert (solution.status, solution.reached) == (Status.STALLED, pp.Coefficients(k=1.0))


def test_what_converged_is_not_tried_again(family, solver_decides):
    solver = Recording(status=Status.CONVERGED)
    assert step(family, solver, k=4.0).status == Status.CONVERGED
    assert len(solver.places) == 1


def test_between_neighbouring_counts_there_is_no_middle():
    problem = Waves()
    family = pp.solve_family(problem, {"rows": 10}, [{"rows": 20}], solver=pp.Adam(steps=1))
    solver = Recording(status=Status.DIVERGED)
    step(family, solver, rows=11)
    assert len(solver.places) == 1


# The first guess ------------------------------------------------------------------------------------------------------


def first_guess(family, before, **target):
    """Where calibration to `target` starts, from the last of the family's targets, with a member `before` it."""
    parent = family.targets[-1]
    seen = []

    def note(objective, z, report):
        seen.append(z)
        return Result(z, Status.CONVERGED, steps=0, seconds=0.0, history=[0.0])

    segment = PathSegment(on_base(family, parent), family.problem.at(target), on_base(family, before))
    continue_to(StepContext(family.problem, family.bases, Settings(solver=note, halvings=0, bases=1)), segment)
    return seen[0]


def test_the_first_guess_lies_on_the_secant_where_the_residual_is_smaller_there(family):
    """Where the way of the weights is straight, it leads to the solution; far on, a straight line leads astray."""
    before, parent = family.targets
    share = math.log(1.7 / 1.6) / math.log(1.6 / 1.3)
    solved = step(family, k=1.7).z
    straight = replace(before, z=parent.z - (solved - parent.z) / share)
    torch.testing.assert_close(first_guess(family, straight, k=1.7), solved)
    assert same_bits(first_guess(family, before, k=9.9), parent.z)


# New bases ------------------------------------------------------------------------------------------------------------


def frozen_too_much(limit: float = 2.0):
    """A solver that converges from a base up to `limit` times the coefficient at which that base was allocated."""
    allocated = {}

    def solve(objective, z, report):
        k, kept = objective.task.coefficients.k, objective.masked
        if not kept.frozen_buffers:  # allocation
            allocated["k"] = k
            return Result(z, Status.CONVERGED, steps=100, seconds=0.0, history=[0.0])
        status = Status.CONVERGED if k <= limit * allocated.get("k", 1.0) else Status.STALLED
        return Result(z, status, steps=1, seconds=0.0, history=[1.0])

    return solve


@pytest.fixture
def settings():
    return Settings(keep=0.5, solver=frozen_too_much(), halvings=2, bases=2)


def continued(family, settings, k):
    segment = PathSegment(on_base(family, family.source), family.problem.at({"k": k}))
    return continue_to(StepContext(family.problem, family.bases, settings), segment)


def test_where_the_frozen_weights_no_longer_fit_a_new_base_is_grown(family, settings, solver_decides):
    old = family.bases[0].masked.weights.clone()
    found, grown = continued(family, settings, k=3.0)
    assert found.solved
    assert grown == (found.base,)
    assert 1.5 < found.base.coefficients.k <= 2.0
    assert found.solution.steps > 100
    assert same_bits(family.bases[0].masked.weights, old)
    assert found.solution.z.shape == found.base.masked.start.shape


def test_several_bases_are_grown_in_turn(family, settings, solver_decides):
    found, grown = continued(family, replace(settings, bases=3), k=6.0)
    assert found.solved
    assert len(grown) == 2
    assert found.base is grown[-1]
    assert grown[0].coefficients.k < grown[1].coefficients.k


def test_a_base_that_does_not_help_is_not_kept(family, settings, solver_decides):
    found, grown = continued(family, settings, k=9.0)
    assert (found.solution.status, found.base, grown) == (Status.STALLED, family.bases[0], ())
    assert 1.5 < found.solution.reached.k <= 4.0


def test_no_more_bases_than_asked_for(family, settings, solver_decides):
    found, grown = continued(family, replace(settings, bases=1), k=3.0)
    assert (found.solution.status, grown) == (Status.STALLED, ())


@pytest.fixture
def only_anew():
    """A solver that solves nothing on a base, and everything with all weights free or kept."""
    solve = LevenbergMarquardt()
    tried = []

    def one(objective, z, report):
        on_base = objective.masked.frozen_buffers
        tried.append((objective.task.coefficients.k, on_base))
        if on_base:
            return Result(z, Status.STALLED, steps=1, seconds=0.0, history=[1.0])
        return solve(objective, z, report)

    one.tried = tried
    return one


def test_a_target_that_no_base_reaches_is_solved_from_a_fresh_network_as_a_base_of_its_own(family, only_anew):
    settings = Settings(keep=0.5, solver=only_anew, halvings=1, bases=2)
    found, grown = continued(family, settings, k=6.0)
    assert found.solved
    assert grown == (found.base,)
    assert found.base.coefficients == found.coefficients == pp.Coefficients(k=6.0)
    assert found.solution.z.equal(found.base.masked.start)
    assert not found.solution.z.any()  # the kept weights alone solve it
    assert found.solution.error_estimate <= Decay.tolerance
    assert found.solution.score.value < 2 * Decay.tolerance
    assert found.solution.parent == family.source.coefficients
    assert {k for k, on_base in only_anew.tried if not on_base} == {6.0}


def test_there_is_no_fresh_network_without_a_base_to_spare(family, only_anew):
    found, grown = continued(family, Settings(keep=0.5, solver=only_anew, halvings=1, bases=1), k=6.0)
    assert (found.solution.status, grown) == (Status.STALLED, ())
    assert all(on_base for _, on_base in only_anew.tried)


def test_where_only_the_training_points_are_solved_no_shorter_step_is_tried(family):
    solver = Recording(lambda objective, z, report: Result(z, Status.STALLED, steps=1, seconds=0.0, history=[0.0]))
    assert step(family, solver, k=4.0).status == Status.STALLED
    assert len(set(solver.places)) == 1  # solved there on other training points too, which does not help either


# Where no effort helps ------------------------------------------------------------------------------------------------


class Contradictory(Decay):
    def limits_accuracy(self, c):
        return True


@pytest.mark.parametrize(
    ("problem", "error", "once"), [(Contradictory(), 1.0, True), (Contradictory(), 2e-3, False), (Decay(), 1.0, False)]
)
def test_where_the_statement_limits_the_accuracy_a_trial_as_good_as_its_start_is_the_last(family, problem, error, once):
    start = replace(family.source, status=Status.STALLED, error_estimate=error, error_bound=error)
    solver = Recording(status=Status.STALLED)
    segment = PathSegment(on_base(family, start), problem.at({"k": 1.8}))
    found = continue_to(StepContext(problem, family.bases, Settings(keep=0.5, solver=solver)), segment).found
    assert not found.solved
    assert (len(solver.places) == 1) is once
