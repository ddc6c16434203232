"""A task as a function of the free weights."""

import pytest
import torch
from torch import nn

from pacpinn.errors import DataError, SolverError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from tests.toys import (
    EQUATIONS,
    AbsoluteError,
    Advection,
    Centred,
    CurveFit,
    Rosenbrock,
    SoftDecay,
    TiedNetwork,
    point,
    small_network,
    wave,
)


def half_free(network: nn.Module) -> MaskedNetwork:
    whole = MaskedNetwork(network)
    return whole.with_mask(torch.arange(len(whole.weights)) % 2 == 0, frozen_buffers=True)


def objectives() -> dict[str, Objective]:
    made = {each.__name__: Objective(each().task(), half_free(each().initial_network(0))) for each in EQUATIONS}
    made["regression"] = Objective(wave().to(torch.float64), half_free(small_network()))
    made["rosenbrock"] = Objective(Rosenbrock(), MaskedNetwork(point()))
    return made


OBJECTIVES = objectives()
each_objective = pytest.mark.parametrize("name", OBJECTIVES)


@each_objective
def test_both_ways_to_the_jacobian_agree(name):
    objective = OBJECTIVES[name]
    z = objective.masked.start[None]
    torch.testing.assert_close(
        objective.linearise(z).jacobian, objective.general_jacobian(z), rtol=1e-10, atol=1e-10 * z.numel()
    )


@each_objective
def test_the_jacobian_predicts_the_residuals_nearby(name):
    objective = OBJECTIVES[name]
    z = objective.masked.start[None]
    torch.manual_seed(0)
    direction = torch.randn_like(z)
    ahead, behind = (objective.linearise(z + h * direction).residuals for h in (1e-6, -1e-6))
    here = objective.linearise(z)
    slope = (here.jacobian @ direction[..., None])[..., 0]
    torch.testing.assert_close((ahead - behind) / 2e-6, slope, rtol=1e-5, atol=1e-6)


@each_objective
def test_the_sum_of_squares_is_the_loss(name):
    objective = OBJECTIVES[name]
    z = objective.masked.start
    squares = objective.linearise(z[None]).residuals.square().sum()
    loss = objective.task.loss(objective.masked.forward(z), objective.task.everything())
    torch.testing.assert_close(squares, loss.detach())


@each_objective
def test_the_gradient_is_twice_the_transposed_jacobian_times_the_residuals(name):
    objective = OBJECTIVES[name]
    z = objective.masked.start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective.penalised(z, objective.task.everything()), z)
    here = objective.linearise(z.detach()[None])
    expected = 2 * (here.jacobian[0].T @ here.residuals[0])
    torch.testing.assert_close(gradient, expected, rtol=1e-8, atol=1e-10)


def test_the_jacobian_has_a_row_for_each_residual_and_a_column_for_each_free_weight():
    objective = OBJECTIVES["SoftDecay"]
    here = objective.linearise(objective.masked.start[None])
    rows = sum(len(block.values) for block in objective.task.residuals(lambda t: t, objective.task.everything()))
    assert here.residuals.shape == (1, rows)
    assert here.jacobian.shape == (1, rows, int(objective.masked.free.sum()))


def test_the_linearisation_is_of_double_precision_whatever_the_network():
    objective = Objective(wave(), half_free(small_network(dtype=torch.float32)))
    here = objective.linearise(objective.masked.start[None])
    assert {here.residuals.dtype, here.jacobian.dtype} == {torch.float64}


def test_tied_weights_have_one_column_that_counts_both_uses():
    x = torch.linspace(-1, 1, 24).reshape(6, 4).to(torch.float64)
    task = wave().to(torch.float64)
    task.x, task.y = x.numpy(), x[:, :1].numpy()
    objective = Objective(task, half_free(TiedNetwork().double()))
    z = objective.masked.start[None]
    torch.testing.assert_close(objective.linearise(z).jacobian, objective.general_jacobian(z))


def test_a_network_that_mixes_rows_has_its_true_jacobian():
    objective = Objective(wave().to(torch.float64), half_free(Centred()))
    z = objective.masked.start[None]
    here = objective.linearise(z)
    torch.testing.assert_close(here.jacobian, objective.general_jacobian(z))
    step = 1e-6 * torch.ones_like(z)
    ahead = objective.linearise(z + step).residuals
    torch.testing.assert_close(ahead - here.residuals, (here.jacobian @ step[..., None])[..., 0], rtol=1e-4, atol=1e-10)


def test_the_penalty_pulls_to_its_centre():
    objective = Objective(Rosenbrock(), MaskedNetwork(point(1.0, 1.0)), penalty=0.5, centre=torch.tensor([1.0, 4.0]))
    z = objective.masked.start
    assert objective.penalised(z, objective.task.everything()).item() == pytest.approx(0.5 * 9)


def test_the_penalty_pulls_to_zero_unless_told_otherwise():
    objective = Objective(Rosenbrock(), MaskedNetwork(point(1.0, 1.0)), penalty=0.5)
    assert objective.penalised(objective.masked.start, objective.task.everything()).item() == pytest.approx(0.5 * 2)


def test_the_misfit_on_fresh_points_leaves_the_penalty_out():
    objective = Objective(Rosenbrock(), MaskedNetwork(point(1.0, 1.1)), penalty=0.5)
    assert objective.fresh_misfit(objective.masked.start[None]).item() == pytest.approx((10 * 0.1) ** 2)


def test_solved_means_within_tolerance_on_training_and_on_fresh_points():
    objective = Objective(Rosenbrock(), MaskedNetwork(point(1.0, 1.1)))
    z = objective.masked.start
    assert not objective.solved(z, 0.0)
    objective.task.tolerance = 1.001
    assert objective.solved(z, 1.0)
    assert not objective.solved(z, 2.0)
    assert not objective.solved(z, float("nan"))
    objective.task.tolerance = 0.999
    assert not objective.solved(z, 0.0)


def test_a_task_without_residuals_is_refused_with_the_solvers_that_take_it():
    objective = Objective(AbsoluteError([[1.0]], [[2.0]]), MaskedNetwork(small_network()))
    with pytest.raises(SolverError, match=r"AbsoluteError has a loss and no residuals.*'adam' or 'lbfgs'"):
        objective.linearise(objective.masked.start[None])


def test_evaluating_does_not_move_the_network():
    for equation in (Advection, SoftDecay):
        objective = Objective(equation().task(), half_free(equation().initial_network(0)))
        before = objective.masked.weights.clone()
        objective.linearise(objective.masked.start[None] + 1).jacobian  # noqa: B018
        assert torch.equal(objective.masked.weights, before)


def test_inputs_that_the_network_does_not_take_are_named_whatever_the_task():
    three_inputs = {"loss alone": AbsoluteError([[1.0] * 3], [[0.0]]), "residuals": CurveFit([[1.0] * 3], [[0.0]])}
    for task in three_inputs.values():
        objective = Objective(task.to(torch.float64), MaskedNetwork(small_network()))
        uses = [
            lambda z, o=objective: o.penalised(z, o.task.everything()),
            lambda z, o=objective: o.fresh_misfit(z[None]),
        ]
        if isinstance(task, CurveFit):
            uses += [lambda z, o=objective: o.linearise(z[None]), lambda z, o=objective: o.general_jacobian(z[None])]
        for use in uses:
            with pytest.raises(DataError, match=r"the network does not take inputs of shape \(1, 3\)"):
                use(objective.masked.start)


def test_a_second_task_of_other_inputs_is_named_too():
    masked = MaskedNetwork(small_network())
    z = masked.start[None]
    Objective(wave().to(torch.float64), masked).linearise(z)  # finds out how the network treats rows
    with pytest.raises(DataError, match=r"the network does not take inputs of shape \(1, 3\)"):
        Objective(CurveFit([[1.0] * 3], [[0.0]]).to(torch.float64), masked).linearise(z)
