"""Random functions on points: their values and derivatives, and in which output they are."""

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.reduced_basis.random_table import random_table
from tests.toys import Advection, Decay, Rotation

STEP = 1e-5


def points(equation: pp.Equation, count: int = 7) -> torch.Tensor:
    return equation.task().fresh(1).x[-count:].double()


@pytest.mark.parametrize("equation", [Decay(), Rotation(), Advection()], ids=lambda each: each.name)
def test_every_output_has_the_functions_to_itself(equation):
    x = points(equation)
    values = random_table(equation, x).values
    outputs = len(equation.outputs)
    rows, columns, functions = values.shape
    assert (rows, columns, functions % outputs) == (len(x), outputs, 0)
    by_output = values.unflatten(2, (outputs, -1))
    for k in range(outputs):
        for own in range(outputs):
            block = by_output[:, k, own]
            assert block.abs().max() > 0 if k == own else not block.any()
        torch.testing.assert_close(by_output[:, k, k], by_output[:, 0, 0])


@pytest.mark.parametrize("equation", [Decay(), Rotation(), Advection()], ids=lambda each: each.name)
def test_derivatives_are_those_of_the_values(equation):
    x, outputs, inputs = points(equation), len(equation.outputs), len(equation.inputs)

    def derivatives(table, order):
        return table[order].unflatten(1, (outputs, *[inputs] * order))

    here = random_table(equation, x)
    for i in range(inputs):
        step = STEP * torch.eye(inputs, dtype=x.dtype)[i]
        ahead, behind = (random_table(equation, x + sign * step) for sign in (1, -1))
        change, change_of_slopes = ((ahead[order] - behind[order]) / (2 * STEP) for order in (0, 1))
        torch.testing.assert_close(derivatives(here, 1)[:, :, i], change, rtol=1e-5, atol=1e-6)
        second = derivatives(here, 2).select(2, i)
        torch.testing.assert_close(second, change_of_slopes.unflatten(1, (outputs, inputs)), rtol=1e-5, atol=1e-5)


def test_they_are_the_same_each_time_and_leave_the_random_streams_alone():
    state = torch.get_rng_state()
    one, other = (random_table(Decay(), points(Decay())).values for _ in range(2))
    assert torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_they_tell_smooth_functions_that_no_member_has():
    x = torch.linspace(0, 1, 200, dtype=torch.float64)[:, None]
    values = random_table(Decay(), x).values[:, 0].numpy()
    for wanted in (torch.sin(3 * x), torch.exp(-2 * x), (x - 0.5) ** 2):
        left = wanted.numpy() - values @ np.linalg.lstsq(values, wanted.numpy(), rcond=None)[0]
        assert np.abs(left).max() < 1e-4


def test_the_units_of_the_inputs_do_not_matter():
    class Slow(Decay):
        def geometry(self, c):
            import deepxde as dde

            return dde.geometry.TimeDomain(0, 3600)

    x = torch.linspace(0.1, 0.9, 5, dtype=torch.float64)[:, None]
    torch.testing.assert_close(random_table(Slow(), 3600 * x).values, random_table(Decay(), x).values)
