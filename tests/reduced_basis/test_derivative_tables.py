"""Tabulated functions, and their derivatives by DeepXDE."""

import deepxde as dde
import pytest
import torch

from pacpinn.reduced_basis.derivative_tables import Combination, DerivativeTable, differentiated


@pytest.fixture
def x():
    return torch.rand(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def waves(x):
    """Two outputs: sin(x) e^(2 t) and x³ t."""
    place, time = x[:, 0:1], x[:, 1:2]
    return torch.cat([torch.sin(place) * torch.exp(2 * time), place**3 * time], dim=1)


def bump(x):
    place, time = x[:, 0:1], x[:, 1:2]
    return torch.cat([torch.cos(place * time), place + time**2], dim=1)


def test_derivatives_of_any_order_in_every_output_by_every_input(x):
    place, t = x.T
    growth = (2 * t).exp()
    values = torch.stack([place.sin() * growth, place**3 * t], dim=1)
    slopes = torch.stack([place.cos() * growth, 2 * place.sin() * growth, 3 * place**2 * t, place**3], dim=1)
    u = [-place.sin() * growth, 2 * place.cos() * growth, 2 * place.cos() * growth, 4 * place.sin() * growth]
    v = [6 * place * t, 3 * place**2, 3 * place**2, 0 * t]
    for order, expected in enumerate([values, slopes, torch.stack(u + v, dim=1)]):
        assert torch.allclose(differentiated(waves, x, order), expected, atol=1e-12)


def test_derivatives_of_what_does_not_change_are_zero(x):
    assert not differentiated(lambda x: torch.ones(len(x), 1, dtype=x.dtype), x, 1).any()
    assert not differentiated(lambda x: x[:, 0:1], x, 2).any()


def test_the_derivatives_of_an_order_are_computed_once():
    asked = []

    def derivatives(order):
        asked.append(order)
        return torch.zeros(7, 2, 1)

    table = DerivativeTable(derivatives)
    assert table[1] is table[1]
    assert asked == [1]


def test_combinations_and_rows_of_a_table(x):
    table = DerivativeTable.joined([DerivativeTable.of(waves, x), DerivativeTable.of(bump, x)])
    matrix = torch.tensor([[1.0, 2.0], [0.0, -1.0]], dtype=torch.float64)
    some = torch.tensor([1, 4])
    found = table.combined(matrix).restricted(some)[1]
    expected = 2 * differentiated(waves, x, 1) - differentiated(bump, x, 1)
    assert torch.allclose(found[..., 1], expected[some])
    assert torch.equal(found[..., 0], differentiated(waves, x, 1)[some])


def combined(weights):
    return lambda x: weights[0] * waves(x) + weights[1] * bump(x)


def residual(x, y):
    """Some nonlinear equation in both outputs, to third order."""
    u_t = dde.grad.jacobian(y, x, i=0, j=1)
    v_xx = dde.grad.hessian(y, x, component=1, i=0, j=0)
    v_xxt = dde.grad.jacobian(v_xx, x, j=1)
    return u_t * y[:, 1:2] + torch.sin(v_xx) - y[:, 0:1] ** 2 * v_xxt


def test_deepxde_differentiates_a_table_as_it_does_the_functions(x):
    table = DerivativeTable.joined([DerivativeTable.of(waves, x), DerivativeTable.of(bump, x)])
    weights = torch.tensor([[0.7, -1.3], [2.0, 0.5]], dtype=torch.float64)
    twice = x.repeat(2, 1).requires_grad_()
    found = residual(twice, Combination(table, weights)(twice))
    dde.grad.clear()
    for k, own in enumerate(weights):
        leaf = x.clone().requires_grad_()
        expected = residual(leaf, combined(own)(leaf))
        dde.grad.clear()
        assert torch.allclose(found[7 * k : 7 * k + 7], expected, atol=1e-12)


def test_the_gradient_of_each_row_by_the_weights(x):
    table = DerivativeTable.joined([DerivativeTable.of(waves, x), DerivativeTable.of(bump, x)])
    weights = torch.tensor([[0.7, -1.3]], dtype=torch.float64)
    leaf = x.clone().requires_grad_()
    combination = Combination(table, weights)
    found = combination.row_gradients(residual(leaf, combination(leaf)).sum(), False)
    dde.grad.clear()
    own = weights[0].clone().requires_grad_()
    values = residual(leaf, combined(own)(leaf))
    expected = torch.stack([torch.autograd.grad(each, own, retain_graph=True)[0] for each in values[:, 0]])
    dde.grad.clear()
    assert torch.allclose(found, expected, atol=1e-12)


def test_a_total_that_depends_on_no_combination_has_no_gradient(x):
    combination = Combination(DerivativeTable.of(waves, x), torch.ones(1, 1, dtype=torch.float64))
    leaf = x.clone().requires_grad_()
    found = combination.row_gradients((leaf**2).sum() + 0 * combination(leaf).detach().sum(), False)
    assert not found.any()
