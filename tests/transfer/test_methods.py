"""Each row of the table of transfer methods."""

import pytest
import torch
from torch import nn

from pacpinn.networks.heads import with_head
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.transfer import methods
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


# Baselines -----------------------------------------------------------------------------------------------------------


def test_the_last_layer_alone_is_free(source):
    method = methods.last_layer(source)
    assert method.masked.by_name(method.masked.free)["2.weight"].all()
    assert method.masked.by_name(method.masked.free)["2.bias"].all()
    assert method.masked.free.sum() == 9
    assert torch.equal(method.start, source.weights[-9:])


def test_of_a_network_with_a_new_head_the_head_alone_is_free(source):
    method = methods.last_layer(with_head(source, nn.Linear(1, 4), at="0"))
    assert method.masked.free.sum() == 8
    assert torch.equal(method.masked.free, method.masked.own)


def test_l2_sp_pulls_a_new_head_to_zero_and_all_else_to_the_source(source):
    method = methods.l2_sp(with_head(source, nn.Linear(8, 3)))
    assert torch.equal(method.centre[:16], source.weights[:16])
    assert not method.centre[16:].any()
    assert method.start[16:].all()


def test_a_calibration_starts_a_new_head_at_its_own_values(base):
    head = nn.Linear(8, 3).double()
    headed = with_head(base, head)
    method = methods.calibration(headed)
    assert torch.equal(method.start[headed.own[headed.free]][:24], head.weight.flatten())
    assert not method.start[~headed.own[headed.free]].any()
    assert not method.centre.any()


@pytest.mark.parametrize("row", [methods.fine_tuning, methods.l2_sp, methods.last_layer])
def test_every_baseline_learns_a_target_and_leaves_the_source_alone(source, row):
    before = source.module(source.start)
    result = row(source).train(wave(0.4).to(torch.float64), Adam(steps=300, learning_rate=3e-2), penalty=1e-6)
    assert result.history[-1] < 0.7 * result.history[0]
    assert same_bits(source.module(source.start), before)
