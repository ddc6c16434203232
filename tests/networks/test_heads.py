"""A new head in place of a module."""

import pytest
import torch
from torch import nn

from pacpinn.errors import NetworkError
from pacpinn.networks.heads import last_module, new_head, with_head
from pacpinn.networks.masked_network import MaskedNetwork
from paper.feature_penalties import hidden_places
from tests.toys import TiedNetwork, batchnorm_network, convolutional_network, small_network

FREE = torch.arange(25) % 3 == 0


@pytest.fixture
def source() -> MaskedNetwork:
    weights = torch.arange(1.0, 26.0, dtype=torch.float64)
    return MaskedNetwork(small_network(), weights, FREE, frozen_buffers=True)


def test_the_head_answers_on_the_features_of_the_source(source):
    head = nn.Linear(8, 5).double()
    headed, x = with_head(source, head), torch.rand(6, 1, dtype=torch.float64)
    features = torch.tanh(source.module(source.start)[0](x))
    assert torch.equal(headed.forward(headed.start)(x), head(features))


def test_elsewhere_weights_and_what_is_free_stay_and_the_head_is_free(source):
    headed = with_head(source, nn.Linear(8, 5))
    for values in (headed.by_name(headed.own), headed.by_name(headed.free)):
        assert values["2.weight"].all()
        assert values["2.bias"].all()
    assert not headed.by_name(headed.own)["0.weight"].any()
    for name in ("0.weight", "0.bias"):
        assert torch.equal(headed.by_name(headed.weights)[name], source.by_name(source.weights)[name])
        assert torch.equal(headed.by_name(headed.free)[name], source.by_name(source.free)[name])
    assert headed.frozen_buffers


def test_source_and_head_stay_as_they_are(source):
    head = nn.Linear(8, 5)
    before = head.weight.detach().clone()
    headed = with_head(source, head)
    headed.module(torch.zeros_like(headed.start))
    assert torch.equal(head.weight, before)
    assert source.network[2].out_features == 1


def test_a_head_may_have_several_layers_and_another_place():
    masked = MaskedNetwork(convolutional_network())
    headed = with_head(masked, nn.Sequential(nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 3)), at="5")
    assert headed.forward(headed.start)(torch.rand(2, 1, 4, 4)).shape == (2, 3)
    headed = with_head(masked, nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU()), at="0")
    assert headed.by_name(headed.own)["0.0.weight"].all()


def test_a_copy_with_another_mask_or_dtype_knows_the_head(source):
    headed = with_head(source, nn.Linear(8, 5))
    assert torch.equal(headed.with_mask(torch.ones_like(headed.free), False).own, headed.own)
    assert torch.equal(headed.to(torch.float32, torch.device("cpu")).own, headed.own)


def with_fixed_scale() -> nn.Module:
    """A last layer that is not to be learnt carries mean and spread."""
    return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1), nn.Linear(1, 1).requires_grad_(False))


def test_the_last_module_is_one_to_be_learnt():
    assert last_module(with_fixed_scale()) == "2"
    assert hidden_places(with_fixed_scale()) == ["0"]


@pytest.mark.parametrize(
    ("network", "last"), [(small_network(), "2"), (batchnorm_network(), "4"), (TiedNetwork(), "second")]
)
def test_the_last_module_is_that_of_the_last_parameter(network, last):
    assert last_module(network) == last


@pytest.mark.parametrize(
    ("network", "head", "at", "message"),
    [
        (small_network(), nn.Linear(8, 5), "head", "no module 'head'.*there are: 0, 1, 2"),
        (small_network(), nn.Linear(8, 5), "", "no module ''"),
        (TiedNetwork(), nn.Linear(4, 5), None, "'second' shares its weights with 'first.weight'"),
        (small_network(), nn.Identity(), None, "no weights to learn"),
        (small_network(), nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, 2)), None, "buffers .0.running_mean"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(network, head, at, message):
    with pytest.raises(NetworkError, match=message):
        with_head(MaskedNetwork(network), head, at)


def test_a_head_is_made_like_the_last_layer():
    assert new_head(small_network(), before=1, outputs=5).weight.shape == (5, 8)
    unbiased = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2, bias=False))
    assert new_head(unbiased, before=2, outputs=4).bias is None


@pytest.mark.parametrize(
    "network", [nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4)), nn.Conv2d(1, 4, 3), nn.Linear(1, 3)]
)
def test_a_last_module_that_is_no_layer_of_as_many_outputs_is_named(network):
    with pytest.raises(NetworkError, match=r"expected nn.Linear with 4 outputs, .*: give a module that fits there"):
        new_head(network, before=4, outputs=5)
