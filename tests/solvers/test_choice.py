"""Solvers by name, and in the header of a file."""

import json

import pytest

from pacpinn.errors import UnknownSolver
from pacpinn.family.file.provenance import solver_from_header, solver_to_header
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.choice import SOLVERS, get_solver
from pacpinn.solvers.in_turn import InTurn
from pacpinn.solvers.lbfgs import LBFGS
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.solvers.nncg import NNCG
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
