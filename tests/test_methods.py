"""Each row of the table of transfer methods."""

import pytest
import torch

from pacpinn import methods
from pacpinn.masked import MaskedNetwork
from pacpinn.solvers import Adam, LevenbergMarquardt
from tests.toys import batchnorm_network, same_bits, small_network, wave

KEPT = torch.arange(25) % 3 != 0


@pytest.fixture
def source() -> MaskedNetwork:
    return MaskedNetwork(small_network())


@pytest.fixture
def base(source) -> MaskedNetwork:
    """As after an allocation: the pruned weights free and at zero."""
    return source.with_mask(~KEPT, frozen_buffers=True, weights=torch.where(KEPT, source.weights, 0.0))


def test_from_scratch_trains_everything_from_the_networks_own_values():
    network = small_network(seed=3)
    method = methods.from_scratch(network)
    assert method.masked.free.all()
    assert torch.equal(method.start, MaskedNetwork(network).weights)
    assert not method.centre.any()


def test_from_scratch_leaves_the_network_given_as_it_is():
    network = batchnorm_network()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    methods.from_scratch(network).train(wave(), Adam(steps=3), penalty=0.0)
    assert all(same_bits(each, before[name]) for name, each in network.state_dict().items())


def test_fine_tuning_trains_everything_from_the_source(base):
    method = methods.fine_tuning(base)
    assert method.masked.free.all()
    assert torch.equal(method.start, base.weights)
    assert not method.centre.any()


def test_fine_tuning_may_start_at_a_neighbour(source):
    start = torch.arange(25, dtype=torch.float64)
    assert torch.equal(methods.fine_tuning(source, start).start, start)


def test_l2_sp_is_fine_tuning_held_near_the_source(source):
    method = methods.l2_sp(source)
    assert method.masked.free.all()
    assert torch.equal(method.start, source.weights)
    assert torch.equal(method.centre, source.weights)


def test_allocation_trains_the_kept_weights_near_the_source_with_the_others_at_zero(source):
    method = methods.allocation(source, KEPT)
    assert torch.equal(method.masked.free, KEPT)
    assert same_bits(method.masked.weights[~KEPT], torch.zeros(9, dtype=torch.float64))
    assert torch.equal(method.start, source.weights[KEPT])
    assert torch.equal(method.centre, source.weights[KEPT])


def test_calibration_trains_the_pruned_weights_from_zero_and_towards_zero(base):
    method = methods.calibration(base)
    assert torch.equal(method.masked.free, ~KEPT)
    assert same_bits(method.masked.weights[KEPT], base.weights[KEPT])
    assert not method.start.any()
    assert not method.centre.any()


def test_calibration_may_start_at_a_neighbour_and_is_pulled_to_zero_still(base):
    neighbour = torch.ones(9, dtype=torch.float64)
    method = methods.calibration(base, neighbour)
    assert torch.equal(method.start, neighbour)
    assert not method.centre.any()


def test_an_allocation_under_a_huge_penalty_stays_at_the_source(source):
    result = methods.allocation(source, KEPT).train(wave().to(torch.float64), LevenbergMarquardt(), penalty=1e8)
    torch.testing.assert_close(result.z, source.weights[KEPT], rtol=0, atol=1e-6)


def test_a_calibration_under_a_huge_penalty_stays_at_zero(base):
    neighbour = torch.ones(9, dtype=torch.float64)
    result = methods.calibration(base, neighbour).train(wave().to(torch.float64), LevenbergMarquardt(), penalty=1e8)
    torch.testing.assert_close(result.z, torch.zeros(9, dtype=torch.float64), rtol=0, atol=1e-6)


def test_without_penalty_an_allocation_fits_better_than_the_pruned_network(source):
    task = wave().to(torch.float64)
    method = methods.allocation(source, KEPT)
    result = method.train(task, LevenbergMarquardt(max_steps=20), penalty=0.0)
    assert result.history[-1] < 0.1 * result.history[0]
