"""Solvers by name and in the header of a file; one solver after the other."""

import json

import pytest
import torch

from pacpinn.errors import UnknownSolver
from pacpinn.family.file.provenance import solver_from_header, solver_to_header
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Result, Status
from pacpinn.solvers.choice import SOLVERS, InTurn, get_solver, needs_validation
from pacpinn.solvers.lbfgs import LBFGS
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.solvers.nncg import NNCG
from tests.solvers.problems import curve, regression
from tests.toys import Decay, wave


@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_has_a_name(name):
    assert type(get_solver(name, wave())) is SOLVERS[name]


def test_the_default_is_levenberg_marquardt_for_what_has_a_tolerance_and_adam_for_data():
    assert get_solver(None, Decay().task()) == LevenbergMarquardt()
    assert get_solver(None, wave()) == Adam()


def test_an_unknown_solver_lists_the_known():
    with pytest.raises(UnknownSolver, match="no solver 'newton'; known are: levenberg-marquardt, adam, lbfgs, nncg"):
        get_solver("newton", wave())


@pytest.mark.parametrize("choice", [["adam", "newton"], 3, [], [3]])
def test_what_is_no_solver_is_refused(choice):
    with pytest.raises(UnknownSolver, match=r"expected|known are"):
        get_solver(choice, wave())


def test_a_configured_solver_is_taken_as_it_is():
    solver = Adam(steps=5)
    assert get_solver(solver, wave()) is solver


def test_a_sequence_of_names_and_solvers_is_run_in_turn():
    assert get_solver(["adam", LBFGS(steps=3)], wave()) == InTurn([Adam(), LBFGS(steps=3)])


@pytest.mark.parametrize(
    "choice",
    [None, "adam", Adam(steps=5), LevenbergMarquardt(max_steps=7, damping=0.1), NNCG(rank=7), ["adam", LBFGS(steps=3)]],
    ids=str,
)
def test_a_choice_survives_the_header_of_a_file(choice):
    assert solver_from_header(json.loads(json.dumps(solver_to_header(choice)))) == choice


def test_a_sequence_of_solvers_survives_the_header_as_a_list():
    header = solver_to_header(InTurn([Adam(steps=5), LBFGS()]))
    assert get_solver(solver_from_header(header), wave()) == InTurn([Adam(steps=5), LBFGS()])


def test_a_solver_of_ones_own_becomes_the_default_with_a_warning(caplog):
    header = solver_to_header(lambda objective, z, report: None)
    assert solver_from_header(header) is None
    assert "a solver of its own, function" in caplog.text


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
