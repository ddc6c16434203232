"""Several targets of an equation together: the same residuals and Jacobians as one by one."""

import math

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.equation_batch import batch_of
from pacpinn.equations.sizes import Sizes
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.networks.per_row_gradients import LinearLayerGradients, VmapGradients
from tests.toys import Advection, CurveFit, Decay, Level, Rotation, SoftDecay

STACKABLE = [Decay, SoftDecay, Rotation, Advection]
each_equation = pytest.mark.parametrize("equation", STACKABLE, ids=lambda each: each.__name__)


def tasks_of(equation: type[pp.Equation], shares=(0.2, 0.5, 0.9)):
    problem = equation()
    (name, each), *_ = problem.coefficients.items()
    return [problem.task(**{name: each.value_at(share)}) for share in shares]


def half_free(equation):
    whole = MaskedNetwork(equation().initial_network(0))
    masked = whole.with_mask(torch.arange(len(whole.weights)) % 2 == 0, True)
    torch.manual_seed(0)
    return masked, masked.start + 0.1 * torch.randn(3, len(masked.start), dtype=torch.float64)


@each_equation
def test_residuals_jacobians_and_fresh_losses_are_those_one_by_one(equation):
    tasks = tasks_of(equation)
    masked, z = half_free(equation)
    together = Objective(batch_of(tasks), masked)
    found = together.linearise(z)
    for k, task in enumerate(tasks):
        alone = Objective(task, masked)
        torch.testing.assert_close(found.residuals[k], alone.linearise(z[k : k + 1]).residuals[0])
        torch.testing.assert_close(found.jacobian[k], alone.linearise(z[k : k + 1]).jacobian[0])
        torch.testing.assert_close(together.residuals(z)[k], found.residuals[k])
        torch.testing.assert_close(together.fresh_misfit(z)[k : k + 1], alone.fresh_misfit(z[k : k + 1]))


@each_equation
def test_both_ways_to_the_jacobian_agree(equation):
    masked, z = half_free(equation)
    objective = Objective(batch_of(tasks_of(equation)), masked)
    torch.testing.assert_close(objective.linearise(z).jacobian, objective.general_jacobian(z))


@pytest.mark.parametrize("way", [LinearLayerGradients, VmapGradients])
def test_each_target_has_its_own_weights_in_both_rowwise_networks(way):
    masked, z = half_free(Rotation)
    x = torch.rand(12, 1, dtype=torch.float64)
    network = way(masked, z, 12)
    gradients = network.gradients(network.forward(x).square().sum())
    for k in range(3):
        rows = slice(4 * k, 4 * k + 4)
        alone = way(masked, z[k], 4)
        torch.testing.assert_close(network.forward(x)[rows], alone.forward(x[rows]))
        torch.testing.assert_close(gradients[rows], alone.gradients(alone.forward(x[rows]).square().sum()))


@each_equation
def test_some_of_the_targets_are_a_batch_again(equation):
    masked, z = half_free(equation)
    objective = Objective(batch_of(tasks_of(equation)), masked)
    some = torch.tensor([2, 0])
    torch.testing.assert_close(objective.only(some).residuals(z[some]), objective.residuals(z)[some])


def test_conditions_of_a_smaller_batch_do_not_remember_values_of_the_larger():
    """DeepXDE keeps a condition's values by the identity of the points, which a new array may have again."""

    class Rising(SoftDecay):
        def conditions(self, geometry, c):
            return [dde.icbc.IC(geometry, lambda t: 0 * t + c.k, lambda _, on_initial: on_initial)]

    batch = batch_of(tasks_of(Rising))
    for some in ([0, 1, 2], [2, 1], [1], [2]):
        smaller = batch.only(some)
        initial = smaller.residuals(lambda t: 0 * t, smaller.everything())[1]
        alone = [batch.tasks[k].residuals(lambda t: 0 * t, batch.tasks[k].everything())[1].values for k in some]
        torch.testing.assert_close(initial.values, torch.stack(alone))
        sizes = Sizes.stacked([Rising().sizes_at(batch.tasks[k].coefficients) for k in some])
        prescribed = torch.tensor([[batch.tasks[k].coefficients.k] for k in some], dtype=torch.float64)
        torch.testing.assert_close(initial.values * sizes.blocks[:, 1:], sizes.offset - prescribed)


def test_values_of_a_condition_keep_their_precision():
    class Measured(SoftDecay):
        def conditions(self, geometry, c):
            return [dde.icbc.PointSetBC(np.array([[0.3]]), np.array([[0.1]]), component=0)]

        sizes = {"u": (0.0, 1.0), "condition 1": 1.0}

    for task in (batch_of(tasks_of(Measured)), *tasks_of(Measured)):
        (measured,) = {each.item() for each in task.residuals(lambda t: 0 * t, task.everything())[1].values.flatten()}
        assert measured == pytest.approx(-0.1, rel=1e-15)  # in single precision: -0.10000000149


def test_formulas_that_need_numbers_are_no_batch():
    class ByNumber(Decay):
        def residual(self, t, u, c):
            return super().residual(t, u, c) * math.exp(c.k)

    assert batch_of(tasks_of(ByNumber)) is None


def test_formulas_that_see_only_one_of_the_targets_are_no_batch():
    class OfTheFirst(Decay):
        def transform(self, t, u, c):
            return 1 + t * u * float(torch.as_tensor(c.k).flatten()[0])

    assert batch_of(tasks_of(OfTheFirst)) is None


def test_residuals_that_mix_rows_and_tasks_that_are_no_equations_are_no_batch():
    assert batch_of(tasks_of(Level)) is None
    assert batch_of([CurveFit([[0.0]], [[1.0]])] * 2) is None
