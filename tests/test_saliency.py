"""Saliency: what the loss gains without a weight."""

import numpy as np
import pytest
import torch
from torch import nn

import pacpinn as pp
from pacpinn.errors import PruningError, SolverError
from pacpinn.masked import MaskedNetwork
from pacpinn.objective import Objective
from pacpinn.pruning import kept_weights
from pacpinn.saliency import saliency
from tests.toys import AbsoluteError, CurveFit, convolutional_network, small_network, wave

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
