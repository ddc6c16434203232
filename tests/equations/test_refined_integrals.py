"""Integrals and fractional derivatives at twice the resolution: what the formulas themselves leave is seen."""

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.refined_integrals import corrections, refined
from pacpinn.networks.error_estimate import error_estimate
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.tasks.task import Block
from tests.equations.deepxde_data import KNOWN, RATE, network
from tests.toys import network_of


def block(*values):
    return Block("residual", torch.tensor(values, dtype=torch.float64))


def test_twice_the_difference_is_added_where_the_points_are_the_same():
    points, finer = np.array([[0.0], [1.0]]), np.array([[1.0], [0.5], [0.0]])
    (found,) = corrections([block(1.0, 2.0)], points, [block(2.5, 9.0, 1.25)], finer)
    assert found.tolist() == [0.5, 1.0]
    (found,) = corrections([block(1.0, 2.0)], points, [block(2.5, 9.0, 1.25)], finer + 0.1)
    assert found.tolist() == [0.0, 0.0]


def test_a_static_mesh_keeps_its_points():
    data = refined(dde.data.FPDE(dde.geometry.Interval(0, 1), lambda *_: [], 1.5, [], [11], meshtype="static"))
    assert data.disc.resolution == [21]


def test_a_dynamic_mesh_and_an_integral_have_twice_the_resolution():
    line = dde.geometry.Interval(0, 1)
    assert refined(dde.data.FPDE(line, lambda *_: [], 1.5, [], [8], num_domain=4)).disc.resolution == [16]
    time = dde.geometry.TimeDomain(0, 1)
    integral = refined(dde.data.IDE(time, lambda *_: [], [], 5, kernel=lambda x, t: 1 + 0 * x, num_domain=4))
    assert (integral.quad_deg, len(integral.quad_x), len(integral.quad_w)) == (10, 10, 10)


@pytest.mark.parametrize("name", ["IDE", "FPDE"])
def test_the_residual_of_the_solution_is_corrected_towards_zero(name):
    case = KNOWN[name]
    task = pp.from_deepxde(case.make_data, network(case.inputs, case.outputs), RATE).task(rate=1.0)
    forward = network_of(task, lambda x: case.exact(x, 1.0))
    corrected, plain = (
        task.residuals(forward, batch)[0].values.square().mean().sqrt()
        for batch in (task.error_points(forward, 1, 0)[0], task.everything())
    )
    assert corrected < max(plain / 5, 1e-9)


def test_the_estimate_of_a_fractional_equation_sees_the_error_of_its_formula():
    """The network solves the discretised equation; what is left is the formula's error."""
    problem = pp.get_problem("fractional_poisson")
    task = problem.task(order=1.5, screening=2.0)
    masked = MaskedNetwork(problem.initial_network(0).double())
    result = pp.LevenbergMarquardt()(Objective(task, masked, goal=1e-5), masked.start)
    found, error = error_estimate(task, masked, result.z), task.score(masked.forward(result.z)).value
    assert error > 5e-4
    assert error < found.bound
    assert error / 2 < found.relative < 3 * error
