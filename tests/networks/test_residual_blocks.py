"""Residual blocks as one vector, and its Jacobian by as few backward passes as the rows allow."""

import pytest
import torch

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.per_row_gradients import LinearLayerGradients, VmapGradients
from pacpinn.networks.residual_blocks import join_blocks, rowwise_jacobian
from pacpinn.tasks.task import Block
from tests.toys import small_network

X = torch.linspace(-1, 1, 6, dtype=torch.float64)[:, None]


def single(*indices: int) -> torch.Tensor:
    return torch.tensor(indices)[:, None]


def equation_and_condition(y: torch.Tensor) -> list[Block]:
    return [Block("equation", y[:4] ** 2, single(0, 1, 2, 3)), Block("condition", 3 * y[4:], single(4, 5), 5.0)]


def overlapping(y: torch.Tensor) -> list[Block]:
    return [Block("equation", y**2, single(*range(6))), Block("condition", y[:2].sin(), single(0, 1))]


def periodic(y: torch.Tensor) -> list[Block]:
    return [Block("periodic", y[:2] - y[4:], torch.tensor([[0, 4], [1, 5]]))]


def repeated(y: torch.Tensor) -> list[Block]:
    return [Block("equation", y[[2, 0, 2, 1]].exp(), single(2, 0, 2, 1), 2.0)]


CASES = pytest.mark.parametrize(
    ("blocks", "passes"),
    [(equation_and_condition, 1), (overlapping, 2), (periodic, 1), (repeated, 2)],
    ids=lambda each: getattr(each, "__name__", ""),
)


def test_joined_residuals_have_the_loss_as_sum_of_squares():
    blocks = equation_and_condition(torch.arange(6.0))
    joined = join_blocks(blocks)
    assert joined.shape == (1, 6)
    expected = sum(block.weight * block.values.square().mean() for block in blocks)
    torch.testing.assert_close(joined.square().sum(), expected)


def test_blocks_of_several_targets_are_joined_target_by_target():
    blocks = [Block("a", torch.ones(2, 3)), Block("b", torch.zeros(2, 1))]
    assert join_blocks(blocks).shape == (2, 4)


@CASES
@pytest.mark.parametrize("kind", [LinearLayerGradients, VmapGradients])
def test_the_jacobian_is_that_of_each_residual_by_itself(blocks, passes, kind):
    masked = MaskedNetwork(small_network())
    network, count = kind(masked, masked.start, len(X)), 0

    def gradients(total, retain_graph):
        nonlocal count
        count += 1
        return network.gradients(total, retain_graph)

    found = rowwise_jacobian(gradients, blocks(network.forward(X)[:, 0]), targets=1)
    z = masked.start.requires_grad_()
    residuals = join_blocks(blocks(masked.forward(z)(X)[:, 0]))[0]
    expected = torch.stack([torch.autograd.grad(each, z, retain_graph=True)[0] for each in residuals])
    torch.testing.assert_close(found[0], expected)
    assert count == passes
