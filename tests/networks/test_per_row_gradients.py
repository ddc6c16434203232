"""Per-row gradients: both kinds give each row's own gradient, and the faster is chosen where it is right."""

import pytest
import torch
from torch import nn

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.per_row_gradients import LinearLayerGradients, VmapGradients, per_row_gradients_kind
from tests.toys import Centred, TiedNetwork, batchnorm_network, convolutional_network, small_network


class Sequences(nn.Module):
    """Linear layers on the last of three axes, with and without bias, then a mean over the middle one."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 5), nn.Linear(5, 3, bias=False)

    def forward(self, x):
        return self.second(torch.tanh(self.first(x))).mean(dim=1)


class OutsideLinear(nn.Module):
    """A linear layer whose weight is used once more, as a plain matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return torch.tanh(self.layer(x)) @ self.layer.weight


class RowsLast(nn.Module):
    """A linear layer that sees rows on the second axis."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x):
        return self.layer(x.transpose(0, 1)).sum(dim=0)


LINEAR = {"plain": (small_network, (1,)), "tied": (TiedNetwork, (4,)), "sequences": (Sequences, (3, 2))}
OTHER = {
    "batchnorm": (batchnorm_network, (1,)),
    "convolutional": (convolutional_network, (1, 4, 4)),
    "layer norm": (lambda: nn.Sequential(nn.Linear(2, 4), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 1)), (2,)),
    "outside linear": (OutsideLinear, (3,)),
    "rows last": (RowsLast, (3, 2)),
}
KINDS = [(name, LinearLayerGradients) for name in LINEAR] + [(name, VmapGradients) for name in LINEAR | OTHER]


def made(name: str, rows: int = 5) -> tuple[MaskedNetwork, torch.Tensor]:
    """A network with every other weight free, and inputs for it."""
    make, shape = (LINEAR | OTHER)[name]
    torch.manual_seed(1)
    whole = MaskedNetwork(make().double())
    free = torch.arange(len(whole.weights)) % 2 == 0
    return whole.with_mask(free, True), torch.randn(rows, *shape, dtype=torch.float64)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_forward_is_the_plain_forward(name, kind):
    masked, x = made(name)
    z = masked.start + 0.1
    torch.testing.assert_close(kind(masked, z, len(x)).forward(x), masked.forward(z)(x))


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_each_row_has_its_own_gradient(name, kind):
    masked, x = made(name)
    network = kind(masked, masked.start, len(x))
    gradients = network.gradients(network.forward(x).square().sum())
    z = masked.start.requires_grad_()
    for i in range(len(x)):
        (expected,) = torch.autograd.grad(masked.forward(z)(x[i : i + 1]).square().sum(), z)
        torch.testing.assert_close(gradients[i], expected)


@pytest.mark.parametrize("kind", [LinearLayerGradients, VmapGradients])
def test_derivatives_by_the_inputs_have_theirs(kind):
    masked, x = made("plain")

    def bending(forward, x):
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(forward(x).sum(), x, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.square().sum(), x, create_graph=True)
        return curvature.sum()

    network = kind(masked, masked.start, len(x))
    gradients = network.gradients(bending(network.forward, x))
    z = masked.start.requires_grad_()
    for i in range(len(x)):
        (expected,) = torch.autograd.grad(bending(masked.forward(z), x[i : i + 1]), z)
        torch.testing.assert_close(gradients[i], expected)


@pytest.mark.parametrize("kind", [LinearLayerGradients, VmapGradients])
def test_a_graph_that_is_kept_can_be_gone_through_again(kind):
    masked, x = made("plain")
    network = kind(masked, masked.start, len(x))
    total = network.forward(x).sum()
    torch.testing.assert_close(network.gradients(total, retain_graph=True), network.gradients(total))


@pytest.mark.parametrize("kind", [LinearLayerGradients, VmapGradients])
def test_weights_that_do_not_matter_have_zero_columns(kind):
    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(1, 2), nn.Linear(1, 2)

        def forward(self, x):
            return self.used(x)

    masked, x = MaskedNetwork(Unused().double()), torch.ones(3, 1, dtype=torch.float64)
    network = kind(masked, masked.start, 3)
    assert torch.equal(network.gradients(network.forward(x).sum()), torch.tensor([[1.0] * 4 + [0.0] * 4] * 3))


@pytest.mark.parametrize("name", LINEAR)
def test_networks_of_linear_layers_record_their_products(name):
    assert per_row_gradients_kind(*made(name)) is LinearLayerGradients


@pytest.mark.parametrize("name", OTHER)
@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_other_networks_take_copies(name, rows):
    assert per_row_gradients_kind(*made(name, rows)) is VmapGradients


@pytest.mark.parametrize("rows", [2, 3, 10])
def test_a_network_that_mixes_rows_has_no_rowwise_kind(rows):
    assert (
        per_row_gradients_kind(MaskedNetwork(Centred()), torch.linspace(-1, 1, rows, dtype=torch.float64)[:, None])
        is None
    )


def test_frozen_layers_need_no_gradient():
    masked, x = made("plain")
    first_only = masked.with_mask(torch.arange(len(masked.weights)) < 8, True)
    network = LinearLayerGradients(first_only, first_only.start, len(x))
    assert list(network.free) == ["0.weight"]


def test_layers_that_take_no_gradient_are_left_alone():
    network = small_network()
    network[0].requires_grad_(False)
    masked, x = MaskedNetwork(network), torch.linspace(-1, 1, 4, dtype=torch.float64)[:, None]
    ways = [kind(masked, masked.start, 4) for kind in (LinearLayerGradients, VmapGradients)]
    torch.testing.assert_close(*(kind.gradients(kind.forward(x).sum()) for kind in ways))
