"""Measurements as residuals: what they must be, and what a task makes of them."""

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.errors import MeasurementError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from tests.toys import Advection, Decay, Rotation, SoftDecay, blocks_of, small_network

T = np.linspace(0, 1, 12)[:, None]


def exact(k: float, deviation: float = 0.01, **others) -> pp.Measurements:
    return pp.Measurements(T, np.exp(-k * T), deviation, **others)


@pytest.fixture(scope="module")
def pac() -> pp.PAC:
    source = Decay().task()
    pac = pp.PAC(Decay().initial_network(0))
    pac.fit(source)
    pac.prune(keep=0.5)
    pac.allocate(source)
    return pac


def test_residuals_are_differences_in_standard_deviations():
    task = Decay().task().with_measurements(pp.Measurements(T, T**2, deviation=0.1))
    blocks = task.residuals(lambda t: 0 * t, task.everything())  # u = 1
    assert [each.name for each in blocks] == ["residual", "measured u"]
    np.testing.assert_allclose(blocks[1].values.detach(), (1 - T[:, 0] ** 2) / 0.1)


def test_one_standard_deviation_weighs_as_much_as_the_tolerance():
    task = Decay().task().with_measurements(pp.Measurements(T, np.ones_like(T) - 0.1, deviation=0.1))
    measured = task.residuals(lambda t: 0 * t, task.everything())[1]
    assert float(measured.scaled.detach().square().sum()) == pytest.approx(Decay.tolerance**2)


@pytest.mark.parametrize("problem", [Decay, SoftDecay, Rotation, Advection])
@pytest.mark.parametrize("physics", [True, False])
def test_the_jacobian_from_one_backward_pass_is_the_general_one(problem, physics):
    problem = problem()
    x = np.random.default_rng(0).uniform(0, 0.5, (7, len(problem.inputs)))
    measured = pp.Measurements(x, np.ones((7, len(problem.outputs))), 0.1)
    task = problem.task().with_measurements(measured, measured, physics=physics)
    masked = MaskedNetwork(problem.initial_network(0))
    objective, z = Objective(task, masked), masked.start[None]
    torch.testing.assert_close(objective.linearise(z).jacobian, objective.general_jacobian(z))


def test_outputs_that_were_not_measured_are_left_out():
    values = np.hstack([np.sin(T), np.cos(T)])
    values[:5, 0] = np.nan
    task = Rotation().task().with_measurements(pp.Measurements(T, values, 0.1))
    assert [len(each.values) for each in task.residuals(lambda t: t.repeat(1, 2), task.everything())] == [24, 24, 7, 12]


def test_a_function_of_outputs_and_derivatives():
    slope = pp.Measurements(T[1:], -np.exp(-T[1:]), 0.1, of=lambda t, u: dde.grad.jacobian(u, t))
    task = Decay().task().with_measurements(slope)
    measured = blocks_of(task, lambda t: (torch.exp(-t) - 1) / t)[1]
    assert measured.values.abs().max() < 1e-9


def test_one_output_by_name():
    task = Rotation().task().with_measurements(pp.Measurements(T, np.cos(T)[:, 0], 0.1, of="v"))
    assert task.residuals(lambda t: t.repeat(1, 2), task.everything())[2].name == "measured v"


def test_data_and_physics_that_agree(pac):
    task = Decay().task(k=1.3).with_measurements(exact(1.3))
    assert pac.calibrate(task, name="agree").status is pp.Status.CONVERGED
    fit = task.fit(pac.network("agree"))
    assert fit.residual < 2 * Decay.tolerance
    assert fit.misfit < 0.1


def test_noise_does_not_move_the_solution_away_from_the_equation(pac):
    noise = 0.02 * np.random.default_rng(0).normal(size=T.shape)
    task = Decay().task(k=1.3).with_measurements(pp.Measurements(T, np.exp(-1.3 * T) + noise, 0.02))
    assert pac.calibrate(task, name="noisy").status is pp.Status.CONVERGED
    fit = task.fit(pac.network("noisy"))
    assert fit.residual < 2 * Decay.tolerance
    assert 0.5 < fit.misfit < 1.5
    u = task.predict(pac.network("noisy"), T)
    assert np.abs(u - np.exp(-1.3 * T)).max() < 2 * Decay.tolerance


def test_measurements_that_contradict_the_equation_are_told(pac):
    task = Decay().task(k=1.3).with_measurements(exact(1.6))
    assert pac.calibrate(task, name="other").status is pp.Status.STALLED
    assert task.fit(pac.network("other")).misfit > 2


def test_data_alone_from_a_source_of_physics(pac):
    task = Decay().task(k=1.3).with_measurements(exact(1.6), physics=False)
    assert len(task.everything().x) == len(T)
    assert pac.calibrate(task, name="data").status is pp.Status.CONVERGED
    between = np.linspace(0, 1, 50)[:, None]
    assert np.abs(task.predict(pac.network("data"), between) - np.exp(-1.6 * between)).max() < 0.03
    assert task.fit(pac.network("data")).misfit <= 1


def test_a_cold_start_takes_measurements():
    pac = pp.PAC(small_network())
    assert pac.fit(Decay().task().with_measurements(exact(1.0))).status is pp.Status.CONVERGED


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"points": T[:, 0]}, r"measurements of shape \(12, 1\) at points of shape \(12,\); expected"),
        ({"values": np.ones((11, 1))}, "one row at least"),
        ({"points": np.ones((0, 1)), "values": np.ones((0, 1))}, "one row at least"),
        ({"points": np.full_like(T, np.nan)}, "point 1 of 12 is not finite"),
        ({"values": np.full_like(T, np.inf)}, "measurement 1 of 12 is infinite"),
        ({"values": np.where(T > 0.5, np.nan, T)}, "measurement 7 of 12 is NaN"),
        ({"values": [["much"]] * 12}, "not an array of numbers"),
        ({"deviation": 0.0}, "deviation=0.0; expected"),
        ({"deviation": [0.1, 0.2]}, r"deviation of shape \(2,\)"),
    ],
)
def test_bad_measurements(arguments, reason):
    with pytest.raises(MeasurementError, match=reason):
        pp.Measurements(**{"points": T, "values": np.exp(-T), "deviation": 0.1, **arguments})


@pytest.mark.parametrize(
    ("measurements", "reason"),
    [
        (
            pp.Measurements(T + 0.5, np.exp(-T), 0.1),
            r"6 of 12 points lie outside the domain of decay, the first at t=1\.",
        ),
        (pp.Measurements(T, np.exp(-T), 0.1, of="v"), "decay has no output 'v'; its outputs are: u"),
        (pp.Measurements(np.hstack([T, T]), np.exp(-T), 0.1), r"expected \(rows, 1\) for u, at \(rows, 1\) for t"),
        (pp.Measurements(T, np.exp(-T)), "by their standard deviation"),
    ],
)
def test_measurements_of_something_else(measurements, reason):
    with pytest.raises(MeasurementError, match=reason):
        Decay().task().with_measurements(measurements)
