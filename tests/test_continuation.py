"""One step from a solved coefficient to the next."""

import pytest
import torch

import pacpinn as pp
from pacpinn.continuation import Settings, Solution, advance
from pacpinn.solvers import LevenbergMarquardt, Result, Status
from tests.toys import Decay, Waves, same_bits, wave


def step(family, solver=None, problem=None, **target):
    problem = problem or family.problem
    settings = Settings(keep=0.5, solver=solver, halvings=target.pop("halvings", 3))
    return advance(problem, family.bases, family.source, problem.at(target), settings)


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
    weights, z = family.bases[0].weights.clone(), family.source.z.clone()
    step(family, k=1.8)
    assert same_bits(family.bases[0].weights, weights)
    assert same_bits(family.source.z, z)


# What a step gives ----------------------------------------------------------------------------------------------------


def test_a_step_solves_the_target_and_knows_its_parent(family):
    solution = step(family, k=1.8)
    assert solution.status == Status.CONVERGED
    assert (solution.coefficients, solution.parent) == (pp.Coefficients(k=1.8), pp.Coefficients(k=1.0))
    assert solution.score.value < 5e-3


def test_a_step_starts_at_its_parent(family):
    near = family.targets[0]
    settings = Settings()
    again = advance(family.problem, family.bases, near, near.coefficients, settings)
    assert again.steps == 0
    assert same_bits(again.z, near.z)


def test_the_residual_is_judged_on_points_that_training_did_not_see(family):
    solution = step(family, k=1.8)
    task = family.problem.task(k=1.8)
    forward = family.bases[0].forward(solution.z)
    fresh, training = (task.loss(forward, batch).sqrt().item() for batch in (task.fresh(1), task.everything()))
    assert solution.residual == pytest.approx(fresh)
    assert solution.residual != pytest.approx(training)


def test_a_solution_without_reference_has_no_score():
    problem = Waves()
    pac = pp.PAC(problem.initial_network(0))
    pac.prune(0.5)
    pac.allocate(wave(), pp.Adam(steps=1))
    result = Result(pac.base.start, Status.CONVERGED, steps=1, seconds=0.0, history=[1.0])
    assert Solution.of(problem.task(), pac.base, result, base=0, parent=None).score is None


# Halving --------------------------------------------------------------------------------------------------------------


def short_sighted():
    """A solver that converges within a factor of 1.5 from where it last did, starting at k = 1."""
    at = 1.0

    def solve(objective, z, report):
        nonlocal at
        k = objective.task.coefficients.k
        if not at / 1.5 < k < at * 1.5:
            return Result(z, Status.STALLED, steps=1, seconds=0.0, history=[1.0])
        at = k
        return Result(z, Status.CONVERGED, steps=1, seconds=0.0, history=[0.0])

    return Recording(solve)


def test_a_jump_that_fails_is_halved_until_it_succeeds(family):
    assert step(family, short_sighted(), k=4.0, halvings=0).status == Status.STALLED
    solver = short_sighted()
    solution = step(family, solver, k=4.0)
    assert [each.k**2 for each in solver.places] == pytest.approx([16, 4, 2, 4, 16, 8, 16])
    assert solution.status == Status.CONVERGED
    assert solution.coefficients == pp.Coefficients(k=4.0)
    assert solution.parent == pp.Coefficients(k=1.0)


def test_steps_count_everything_that_was_tried(family):
    solver = Recording(LevenbergMarquardt(max_steps=4))
    solution = step(family, solver, k=3.0)
    assert len(solver.steps) > 3
    assert solution.steps == sum(solver.steps)


def test_a_halved_jump_goes_by_way_of_the_middle(family):
    solver = Recording(status=Status.MAX_STEPS)
    step(family, solver, k=4.0, halvings=1)
    assert [each.k for each in solver.places] == pytest.approx([4.0, 2.0, 4.0])


def test_what_cannot_be_solved_ends_after_all_halvings_with_the_better_try(family):
    solver = Recording(status=Status.STALLED)
    solution = step(family, solver, k=4.0, halvings=2)
    assert solution.status == Status.STALLED
    assert len(solver.places) == 7  # 4; 2; sqrt 2, 2; 4; sqrt 8, 4
    assert solution.steps == 7


@pytest.mark.parametrize("status", [Status.CONVERGED, Status.INTERRUPTED])
def test_what_converged_or_was_interrupted_is_not_tried_again(family, status):
    solver = Recording(status=status)
    assert step(family, solver, k=4.0).status == status
    assert len(solver.places) == 1


def test_between_neighbouring_counts_there_is_no_middle():
    problem = Waves()
    family = pp.solve_family(problem, {"rows": 10}, [{"rows": 20}], solver=pp.Adam(steps=1))
    solver = Recording(status=Status.DIVERGED)
    step(family, solver, rows=11)
    assert len(solver.places) == 1


# Settings -------------------------------------------------------------------------------------------------------------


def test_a_tolerance_asked_for_replaces_the_problems_own():
    assert Settings().task(Decay(), Decay().source).tolerance == Decay.tolerance
    assert Settings(tolerance=0.1).task(Decay(), Decay().source).tolerance == 0.1


def test_data_has_no_tolerance_whatever_is_asked_for():
    assert Settings(tolerance=0.1).task(Waves(), Waves().source).tolerance is None


def test_a_dtype_asked_for_is_the_tasks():
    assert Settings(dtype=torch.float32).task(Decay(), Decay().source).dtype == torch.float32
