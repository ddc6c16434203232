"""Which weights are kept."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import pacpinn as pp
from pacpinn.errors import PruningError, SolverError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.transfer.pruning import kept_weights, saliency
from tests.toys import AbsoluteError, CurveFit, convolutional_network, small_network, wave


def network_of(first: list[float], second: list[float]) -> MaskedNetwork:
    layers = nn.Sequential(nn.Linear(len(first), 1), nn.Linear(1, 1, bias=False))
    layers[0].weight.data, layers[0].bias.data = torch.tensor([first]), torch.tensor([0.5])
    layers[1].weight.data = torch.tensor([second])
    return MaskedNetwork(layers)


def kept(masked: MaskedNetwork, *arguments, **settings) -> dict[str, list]:
    masks = masked.by_name(kept_weights(masked, *arguments, **settings))
    return {name: each.flatten().tolist() for name, each in masks.items()}


def test_one_global_threshold_keeps_the_largest_magnitudes_of_the_whole_network():
    masked = network_of([-4.0, 0.1, 3.0, -0.2], [2.0])  # with the bias 0.5: six weights
    expected = {"0.weight": [True, False, True, False], "0.bias": [False], "1.weight": [True]}
    assert kept(masked, 0.5, "global") == expected


def test_layer_by_layer_each_tensor_has_its_own_threshold():
    masked = network_of([-4.0, 0.1, 3.0, -0.2], [0.01])
    assert kept(masked, 0.75, "layer") == {
        "0.weight": [True, False, True, True],
        "0.bias": [True],
        "1.weight": [True],
    }


@pytest.mark.parametrize("keep", [0.1, 0.3, 0.5, 0.7, 0.95])
def test_counts_are_exact(keep):
    masked = MaskedNetwork(small_network(inputs=3))  # 24 + 8 + 8 + 1 = 41 weights
    assert kept_weights(masked, keep, "global").sum() == round(keep * 41)
    assert kept_weights(masked, keep, "layer").sum() == sum(round(keep * size) for size in (24, 8, 8, 1))


def test_counts_are_exact_when_all_weights_are_equal():
    masked = MaskedNetwork(small_network(), weights=torch.ones(25))
    assert kept_weights(masked, 0.6, "global").sum() == 15


def test_kept_weights_are_at_least_as_large_as_freed_ones():
    masked = MaskedNetwork(small_network(inputs=3))
    mask = kept_weights(masked, 0.4)
    magnitudes = masked.weights.abs()
    assert magnitudes[mask].min() >= magnitudes[~mask].max()


def test_exempt_parameters_take_no_part_in_the_count():
    masked = MaskedNetwork(small_network(inputs=3))
    mask = masked.by_name(kept_weights(masked, 0.5, always_kept=["*.bias"], always_free=["2.weight"]))
    assert mask["0.bias"].all()
    assert mask["2.bias"].all()
    assert not mask["2.weight"].any()
    assert mask["0.weight"].sum() == 12


def test_a_pattern_may_stand_alone():
    masked = MaskedNetwork(small_network(inputs=3))
    alone, listed = (kept_weights(masked, 0.5, always_kept=each) for each in ("*.bias", ["*.bias"]))
    assert alone.equal(listed)


def test_what_is_both_always_kept_and_always_free_is_kept():
    mask = kept(network_of([1.0, 2.0], [3.0]), 0.5, always_kept=["0.bias"], always_free=["*.bias"])
    assert mask["0.bias"] == [True]


def test_a_criterion_may_be_a_function():
    def first_half(weights, keep):
        return {name: torch.arange(len(each.flatten())) < keep * each.numel() for name, each in weights.items()}

    assert kept(network_of([1.0, 2.0, 3.0, 4.0], [5.0]), 0.5, first_half)["0.weight"] == [True, True, False, False]


@pytest.mark.parametrize("keep", [0, 1, -0.5, 1.5, math.nan, math.inf, "half", "0.5", None, True])
def test_keep_lies_strictly_between_0_and_1(keep):
    with pytest.raises(PruningError, match=f"keep={keep!r}; expected the kept fraction"):
        kept_weights(MaskedNetwork(small_network()), keep)


def test_an_unknown_criterion_lists_the_known():
    with pytest.raises(PruningError, match="no pruning criterion 'random'; known are: global, layer"):
        kept_weights(MaskedNetwork(small_network()), 0.5, "random")


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"keep": 0.01}, "keeps none of 25"),
        ({"keep": 0.99}, "frees none of 25"),
        ({"keep": 0.5, "always_kept": ["*"]}, "frees none of 25"),
        ({"keep": 0.5, "always_free": ["*"]}, "keeps none of 25"),
    ],
)
def test_a_mask_keeps_some_and_frees_some(settings, what):
    with pytest.raises(PruningError, match=what):
        kept_weights(MaskedNetwork(small_network()), **settings)


LINEAR = nn.Linear(3, 1, bias=False).double()


def linear_task() -> CurveFit:
    """Orthogonal inputs and a linear answer, which the network has learnt exactly."""
    x = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 3)))[0] * [1.0, 4.0, 2.0]
    return CurveFit(x, x @ LINEAR.weight.detach().numpy().T, batch_size=100)


def test_of_a_linear_network_it_is_the_loss_without_the_weight():
    masked, task = MaskedNetwork(LINEAR), linear_task().to(torch.float64)
    found = saliency(masked, task)
    for i in range(3):
        without = masked.weights.clone()
        without[i] = 0
        loss = task.loss(masked.forward(without), task.everything())
        assert found[i] == pytest.approx(float(loss))


def test_it_is_the_squared_weights_times_the_diagonal_of_the_gauss_newton_matrix():
    masked, task = MaskedNetwork(small_network()), wave().to(torch.float64)
    task.batch_size = 1000
    jacobian = Objective(task, masked).general_jacobian(masked.start[None])[0]
    torch.testing.assert_close(saliency(masked, task), masked.weights**2 * (jacobian.T @ jacobian).diagonal())


def test_batches_of_equal_size_together_are_the_whole():
    masked, one, four = MaskedNetwork(small_network()), *(wave().to(torch.float64) for _ in range(2))
    one.batch_size, four.batch_size = 40, 10
    torch.testing.assert_close(saliency(masked, one), saliency(masked, four))


def test_all_weights_are_asked_whichever_are_free():
    masked = MaskedNetwork(small_network(), free=torch.arange(25) < 3)
    assert saliency(masked, wave().to(torch.float64)).shape == (25,)


def test_convolutions_have_it_too():
    images = np.random.default_rng(0).random((6, 1, 4, 4))
    task = pp.ClassificationTask(pp.Samples(images, np.arange(6) % 2, images, np.arange(6) % 2))
    found = saliency(MaskedNetwork(convolutional_network()), task)
    assert (found >= 0).all()
    assert found.max() > 0


def test_pruning_by_it_keeps_the_weights_that_matter_most():
    masked, task = MaskedNetwork(LINEAR), linear_task().to(torch.float64)
    kept = kept_weights(masked, 1 / 3, "saliency", task=task)
    assert torch.equal(kept, saliency(masked, task) == saliency(masked, task).max())


def test_pruning_by_it_needs_a_task_with_residuals():
    masked = MaskedNetwork(small_network())
    with pytest.raises(PruningError, match="give one, as prune"):
        kept_weights(masked, 0.5, "saliency")
    with pytest.raises(SolverError):
        kept_weights(masked, 0.5, "saliency", task=AbsoluteError(np.zeros((3, 1)), np.zeros((3, 1))))
