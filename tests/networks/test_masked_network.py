"""A network of which some weights are free."""

import pytest
import torch
from torch import nn

from pacpinn.errors import PruningError
from pacpinn.networks.masked_network import MaskedNetwork
from tests.toys import TiedNetwork, batchnorm_network, convolutional_network, same_bits, small_network

NETWORKS = {
    "plain": (small_network, (1,)),
    "batchnorm": (batchnorm_network, (1,)),
    "convolutional": (convolutional_network, (1, 4, 4)),
    "tied": (TiedNetwork, (4,)),
}
each_network = pytest.mark.parametrize("kind", NETWORKS)


def made(kind: str, rows: int = 5) -> tuple[nn.Module, torch.Tensor]:
    make, shape = NETWORKS[kind]
    network = make()
    torch.manual_seed(1)
    x = torch.randn(rows, *shape, dtype=next(network.parameters()).dtype)
    network.train()
    network(x)  # statistics that are no longer those of a fresh network
    return network, x


def half(network: nn.Module, frozen_buffers: bool = False) -> MaskedNetwork:
    """Every other weight free."""
    whole = MaskedNetwork(network)
    return whole.with_mask(torch.arange(len(whole.weights)) % 2 == 0, frozen_buffers)


@each_network
def test_forward_at_the_start_is_the_network_itself(kind):
    network, x = made(kind)
    masked = MaskedNetwork(network)
    assert torch.equal(masked.forward(masked.start)(x), network.eval()(x))


def test_without_a_mask_all_weights_are_free():
    masked = half(small_network())
    whole = masked.with_mask(None, frozen_buffers=False)
    assert whole.free.all()
    assert same_bits(whole.start, masked.weights)
    assert whole.to(torch.float32, torch.device("cpu")).free.all()


def test_merge_changes_the_free_weights_only():
    masked = half(small_network())
    merged = masked.merge(masked.start + 1)
    assert torch.equal(merged[masked.free], masked.weights[masked.free] + 1)
    assert same_bits(merged[~masked.free], masked.weights[~masked.free])


@pytest.mark.parametrize(
    "make",
    [
        lambda z: torch.optim.SGD([z], lr=0.1, momentum=0.9, weight_decay=0.1),
        lambda z: torch.optim.AdamW([z], lr=0.1, weight_decay=0.5),
        lambda z: torch.optim.LBFGS([z]),
    ],
    ids=["momentum", "weight decay", "lbfgs"],
)
def test_no_optimiser_moves_a_frozen_weight(make):
    network, x = made("batchnorm")
    masked = half(network)
    frozen = masked.weights[~masked.free].clone()
    z = masked.start.clone().requires_grad_()
    optimiser = make(z)

    def closure():
        optimiser.zero_grad()
        loss = masked.forward(z, training=True)(x).square().sum()
        loss.backward()
        return loss

    for _ in range(3):
        optimiser.step(closure)
    assert not torch.equal(z, masked.start)
    assert same_bits(masked.merge(z)[~masked.free].detach(), frozen)


@each_network
def test_a_module_has_the_networks_state_dict_keys_and_answers_like_forward(kind):
    network, x = made(kind)
    masked = half(network)
    z = masked.start + 0.1
    module = masked.module(z)
    assert module.state_dict().keys() == network.state_dict().keys()
    assert not module.training
    assert same_bits(module(x).detach(), masked.forward(z)(x))


def test_a_module_is_independent():
    masked = half(batchnorm_network())
    module = masked.module(masked.start)
    twin = masked.module(masked.start)
    with torch.no_grad():
        for each in [*module.parameters(), *module.buffers()]:
            each.add_(1)
    assert same_bits(masked.module(masked.start), twin)


def test_parameters_that_are_not_trainable_are_left_alone():
    network = small_network()
    network[2].requires_grad_(False)
    masked = MaskedNetwork(network)
    assert list(masked.shapes) == ["0.weight", "0.bias"]
    assert len(masked.start) == 16
    module = masked.module(masked.start + 1)
    assert same_bits(module[2], network[2])
    assert not same_bits(module[0], network[0])


def test_a_network_without_trainable_parameters_is_refused():
    with pytest.raises(PruningError, match="no trainable parameter"):
        MaskedNetwork(small_network().requires_grad_(False))


def test_tied_weights_count_once_and_stay_tied():
    network = TiedNetwork()
    masked = MaskedNetwork(network)
    assert len(masked.start) == 16 + 4 + 4
    module = masked.module(masked.start + 1)
    assert module.second.weight is module.first.weight


def test_frozen_buffers_stay_even_in_training():
    network, x = made("batchnorm")
    for frozen in (True, False):
        masked = half(network, frozen_buffers=frozen)
        before = masked.network[1].running_mean.clone()
        masked.forward(masked.start, training=True)(x)
        assert same_bits(masked.network[1].running_mean, before) == frozen


def test_frozen_statistics_are_those_that_training_works_with():
    network, x = made("batchnorm")
    network[3].p = 0.0
    masked = half(network, frozen_buffers=True)
    torch.testing.assert_close(masked.forward(masked.start, training=True)(x), masked.forward(masked.start)(x))


def test_frozen_buffers_leave_dropout_active():
    network, x = made("batchnorm")
    network[3].p = 0.9
    forward = half(network, frozen_buffers=True).forward(half(network).start, training=True)
    assert not torch.equal(forward(x), forward(x))


def test_frozen_buffers_that_a_module_moves_in_every_mode_stay_too():
    class Counting(nn.Linear):
        def __init__(self):
            super().__init__(1, 2)
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            self.calls += 1
            return super().forward(x)

    masked = half(Counting(), frozen_buffers=True)
    masked.forward(masked.start, training=True)(torch.ones(1, 1))
    masked.forward(masked.start)(torch.ones(1, 1))
    assert masked.network.calls == 0


def test_dropout_below_a_module_with_a_buffer_of_its_own_stays_active():
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(1, 50), nn.Dropout(0.5), nn.Linear(50, 1))
            self.register_buffer("shift", torch.ones(1))

        def forward(self, x):
            return self.layers(x) + self.shift

    forward = half(Shifted(), frozen_buffers=True).forward(half(Shifted()).start, training=True)
    x = torch.ones(3, 1)
    assert not torch.equal(forward(x), forward(x))


def test_the_original_network_is_not_shared_by_a_copy_with_another_mask():
    network, x = made("batchnorm")
    before = {name: each.clone() for name, each in network.state_dict().items()}
    half(network).forward(half(network).start, training=True)(x)
    assert all(same_bits(each, before[name]) for name, each in network.state_dict().items())


def test_to_changes_the_dtype_of_weights_and_buffers():
    masked = half(batchnorm_network()).to(torch.float64, torch.device("cpu"))
    module = masked.module(masked.start)
    assert masked.start.dtype == torch.float64
    assert {each.dtype for each in module.state_dict().values()} == {torch.float64, torch.int64}
