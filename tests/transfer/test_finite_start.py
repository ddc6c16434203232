"""Starts at which an equation with powers, roots or logarithms has a meaning."""

import pytest
import torch

import pacpinn as pp
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.base import Status
from pacpinn.transfer.finite_start import finite_start, has_finite_residuals
from tests.toys import AbsoluteError, Decay, same_bits, small_network, wave


class Power(Decay):
    """u' = -k u^1.5, u(0) = 1; u = (1 + k t / 2)^-2: residuals are numbers where u is not negative."""

    def residual(self, t, u, c):
        return super().residual(t, u, c) - c.k * u + c.k * u**1.5

    def reference(self, t, c):
        return (1 + c.k * t / 2) ** -2


class Log(Decay):
    """A logarithm that is not finite for any network."""

    def residual(self, t, u, c):
        return super().residual(t, u, c) + torch.log(-1 - u**2)


def masked(problem, factor=1.0):
    """The problem's first network, its last layer times a factor."""
    network = problem.initial_network(seed=0)
    with torch.no_grad():
        for each in list(network.parameters())[-2:]:
            each *= factor
            each += torch.sign(torch.tensor(factor)) - 1  # so that outputs are negative
    return MaskedNetwork(network)


def wild():
    """A first network whose solution is negative somewhere."""
    return masked(Power(), -100.0)


def test_a_start_with_finite_residuals_stays_as_it_is():
    network, task = masked(Power()), Power().task()
    z = network.start
    assert has_finite_residuals(network, z, task)
    assert finite_start(network, z, task) is z


def test_a_start_with_a_negative_base_is_moved_where_the_power_has_a_meaning():
    network, task = wild(), Power().task()
    assert not has_finite_residuals(network, network.start, task)
    z = finite_start(network, network.start, task)
    assert has_finite_residuals(network, z, task)


def test_the_last_layer_alone_is_made_smaller_by_one_factor():
    network = wild()
    z = finite_start(network, network.start, Power().task())
    before, after = network.by_name(network.start), network.by_name(z)
    *others, weight, bias = before
    assert all(same_bits(after[name], before[name]) for name in others)
    shares = torch.cat([(after[name] / before[name]).flatten() for name in (weight, bias)])
    torch.testing.assert_close(shares, shares[:1].expand_as(shares))
    assert 0 <= shares[0] < 1


def test_frozen_weights_stay():
    network, task = wild(), Power().task()
    free = network.free.clone()
    free[::2] = False
    some = network.with_mask(free, True)
    z = finite_start(some, some.start, task)
    assert z.shape == some.start.shape
    assert same_bits(some.merge(z)[~free], network.weights[~free])


def test_where_no_size_helps_the_start_stays_and_the_solver_says_why():
    network, task = MaskedNetwork(Log().initial_network(0)), Log().task()
    z = network.start
    assert finite_start(network, z, task) is z
    with pytest.raises(pp.PacpinnError, match="not finite"):
        pp.solve_family(Log())


def test_tasks_without_residuals_and_data_start_as_they_are():
    network = MaskedNetwork(small_network())
    z = network.start
    for task in (AbsoluteError([[0.5]], [[1.0]]), wave().to(torch.float64)):
        assert finite_start(network, z, task) is z


def test_many_points_are_judged_by_a_few_thousand():
    class Many(Power):
        points = pp.Points(domain=10**13)

    network = MaskedNetwork(Many().initial_network(0))
    z = network.start
    assert finite_start(network, z, Many().task()) is z


def test_a_family_with_a_power_is_solved():
    family = pp.solve_family(Power(), targets=pp.grid(k=[1.5, 3.0]), keep=0.5)
    assert all(each.status is Status.CONVERGED for each in family.values())
    assert all(each.score.value < 2 * Power.tolerance for each in family.values())
