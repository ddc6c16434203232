"""DELTA and BSS, by their formulas."""

import pytest
import torch
from torch import nn

from pacpinn.errors import SolverError
from pacpinn.networks.heads import with_head
from pacpinn.networks.masked_network import MaskedNetwork
from paper.baselines import bss, delta
from paper.feature_penalties import Delta, channel_attention, hidden_places, observed
from tests.benchmarks.paper.networks import TASK, even, penalty_of
from tests.toys import batchnorm_network, convolutional_network, small_network


@pytest.fixture
def source() -> MaskedNetwork:
    return MaskedNetwork(small_network())


def test_what_goes_in_and_out_of_modules_is_seen_and_then_no_more():
    network, x = small_network(), torch.rand(3, 1, dtype=torch.float64)
    with observed(network, ["", "1"]) as seen:
        y = network(x)
    assert torch.equal(seen[""].inputs, x)
    assert torch.equal(seen[""].outputs, y)
    assert torch.equal(seen["1"].outputs, torch.tanh(seen["1"].inputs))
    before = dict(seen)
    network(2 * x)
    assert seen == before


@pytest.mark.parametrize(
    ("network", "places"), [(small_network(), ["0"]), (batchnorm_network(), ["0"]), (convolutional_network(), ["0"])]
)
def test_hidden_places_are_layers_with_matrices_but_for_the_last(network, places):
    assert hidden_places(network) == places


def test_delta_is_the_mean_square_distance_of_features_by_channel(source):
    weights = torch.arange(8, dtype=torch.float64) / 28
    method = delta(source, {"0": weights})
    z = method.start + 0.1 * torch.arange(25)
    x = TASK.everything()[0]
    network, moved = source.module(source.start), source.module(z)
    expected = ((moved[0](x) - network[0](x)).square().mean(0) * weights).sum().detach()
    assert penalty_of(method, method.start) == 0
    assert penalty_of(method, z) == pytest.approx(float(expected))


def test_delta_pulls_a_new_head_to_zero(source):
    headed = with_head(source, small_network()[2])
    method = delta(headed, even(headed))
    assert penalty_of(method, method.start) == pytest.approx(float(method.start[headed.own].square().sum()))


def test_bss_is_the_sum_of_the_smallest_singular_values_squared(source):
    method = bss(source, k=3)
    features = torch.tanh(source.module(source.start)[0](TASK.everything()[0]))
    expected = torch.linalg.svd(features).S[-3:].square().sum().detach()
    assert penalty_of(method, method.start) == pytest.approx(float(expected))


def test_bss_needs_one_feature_vector_a_row():
    network = nn.Sequential(nn.Unflatten(1, (1, 1)), nn.Conv1d(1, 4, 1), nn.Conv1d(4, 1, 1), nn.Flatten()).double()
    method = bss(MaskedNetwork(network))
    with pytest.raises(SolverError, match=r"BSS needs features of shape .rows, features.; '2' is given"):
        penalty_of(method, method.start)


def test_a_channel_that_matters_more_gets_more_attention(source):
    source.by_name(source.weights)["2.weight"][0] = torch.tensor([5.0] + [0.0] * 7)  # the head sees one channel
    attention = channel_attention(source, source.start, TASK, ["0"])["0"]
    assert attention.sum() == pytest.approx(1)
    assert (attention[0] - attention[1:]).abs().min() > 0
    torch.testing.assert_close(attention[1:], attention[1].expand(7))


def test_attention_is_the_softmax_of_what_the_loss_gains(source):
    network = source.module(source.start)
    x, y = TASK.everything()

    def loss(channel: int | None) -> torch.Tensor:
        kept = torch.arange(8) != (-1 if channel is None else channel)
        return (network[2](torch.tanh(network[0](x) * kept)) - y).square().mean()

    gains = torch.stack([loss(channel) - loss(None) for channel in range(8)])
    attention = channel_attention(source, source.start, TASK, ["0"])
    torch.testing.assert_close(attention["0"], gains.softmax(0).detach())


def test_delta_looks_at_the_source_in_evaluation_mode():
    source = MaskedNetwork(batchnorm_network())
    penalty = Delta(source, {"0": torch.full((8,), 1 / 8)}, source.own)
    x = torch.rand(4, 1)
    with observed(source.network, penalty.places) as seen:
        source.forward(source.start, training=True)(x)
    assert penalty(seen, source.start) == 0
