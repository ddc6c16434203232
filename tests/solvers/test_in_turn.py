"""One solver after the other."""

import torch

from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Result, Status
from pacpinn.solvers.choice import needs_validation
from pacpinn.solvers.in_turn import InTurn
from pacpinn.solvers.lbfgs import LBFGS
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from tests.solvers.problems import curve, regression


def test_each_solver_starts_where_the_last_one_ended():
    objective = curve()
    first = Adam(steps=5)(objective, objective.masked.start)
    second = LBFGS(steps=20)(objective, first.z)
    assert torch.equal(InTurn([Adam(steps=5), LBFGS(steps=20)])(objective, objective.masked.start).z, second.z)


def test_steps_and_histories_are_joined():
    objective = curve()
    first = Adam(steps=5)(objective, objective.masked.start)
    second = LBFGS(steps=20)(objective, first.z)
    result = InTurn([Adam(steps=5), LBFGS(steps=20)])(objective, objective.masked.start)
    assert result.steps == first.steps + second.steps
    assert result.history == first.history + second.history
    assert result.status == second.status


def test_a_task_that_has_reached_its_tolerance_ends_the_sequence():
    def never(objective, z, report):
        raise AssertionError("called after convergence")

    objective = curve(tolerance=1e-2)
    assert InTurn([LevenbergMarquardt(), never])(objective, objective.masked.start).status == Status.CONVERGED


def test_a_task_without_tolerance_goes_through_all_solvers():
    objective, solution = regression()
    result = InTurn([Adam(steps=3), LevenbergMarquardt()])(objective, objective.masked.start)
    torch.testing.assert_close(result.z, solution, rtol=1e-6, atol=1e-6)


def test_reported_steps_go_on_from_solver_to_solver():
    reported = []
    objective = curve()
    solvers = [Adam(steps=3), Adam(steps=2)]
    InTurn(solvers)(objective, objective.masked.start, lambda step, loss: reported.append(step))
    assert reported == [1, 2, 3, 4, 5]


def test_a_sequence_needs_validation_data_if_one_of_its_solvers_does():
    patient = Adam(patience=3)
    for choice in (patient, InTurn([LBFGS(), patient]), [LBFGS(), patient], ["adam", InTurn([patient])]):
        assert needs_validation(choice)
    for choice in (None, "adam", Adam(), LevenbergMarquardt(patience=3), InTurn([Adam(), LBFGS()]), ["adam", LBFGS()]):
        assert not needs_validation(choice)


def test_a_solver_of_ones_own_takes_part():
    def halve(objective, z, report):
        return Result(z / 2, Status.MAX_STEPS, steps=1, seconds=0.0, history=[1.0])

    objective = curve()
    start = objective.masked.start
    assert torch.equal(InTurn([halve, halve])(objective, start).z, start / 4)
