"""What a task promises: blocks, losses, places."""

import numpy as np
import pytest
import torch
from torch import nn

import pacpinn as pp
from pacpinn.errors import DataError, DeviceError, ResidualError
from pacpinn.tasks.task import named_inputs
from tests.toys import AbsoluteError, CurveFit


class TwoBlocks(CurveFit):
    def residuals(self, forward, batch):
        y = forward(batch[0])[:, 0]
        return [pp.Block("all", y, weight=2.0), pp.Block("first", y[:1])]


def test_scaled_residuals_sum_to_the_weighted_mean_square():
    block = pp.Block("residual", torch.tensor([1.0, 2.0, 3.0]), weight=6.0)
    assert block.scaled.square().sum() == pytest.approx(6.0 * (1 + 4 + 9) / 3)


def test_a_least_squares_loss_is_the_weighted_sum_of_mean_squares():
    task = TwoBlocks(x=[[1.0], [3.0]], y=[[0.0], [0.0]])
    assert task.loss(lambda x: x, task.everything()) == pytest.approx(2 * (1 + 9) / 2 + 1)


def test_to_moves_a_copy():
    task = AbsoluteError(x=[[1.0]], y=[[2.0]])
    moved = task.to(torch.float32, "cpu")
    assert (task.dtype, moved.dtype) == (torch.float64, torch.float32)
    assert moved.everything()[0].dtype == torch.float32


def test_to_without_arguments_keeps_the_place():
    task = AbsoluteError(x=[[1.0]], y=[[2.0]]).to(torch.float32)
    assert task.to().dtype == torch.float32


def test_to_a_device_that_is_not_there():
    with pytest.raises(DeviceError):
        AbsoluteError(x=[[1.0]], y=[[2.0]]).to(device="cuda:77")


def test_batches_and_fresh_points_are_everything_unless_a_task_says_otherwise():
    task = AbsoluteError(x=[[1.0], [2.0]], y=[[2.0], [3.0]])
    (batch,) = task.batches(seed=0)
    assert all(torch.equal(a, b) for a, b in zip(batch, task.everything(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(task.fresh(seed=1), task.everything(), strict=True))


def test_predict_takes_and_gives_numpy():
    answer = AbsoluteError(x=[[1.0]], y=[[2.0]]).predict(lambda x: 2 * x, np.array([[1, 2], [3, 4]]))
    assert isinstance(answer, np.ndarray)
    np.testing.assert_array_equal(answer, [[2.0, 4.0], [6.0, 8.0]])


def test_inputs_that_a_network_does_not_take_are_named_whatever_it_raises():
    three = torch.zeros(5, 3)
    for network in (nn.Linear(2, 1), nn.LSTM(2, 1, batch_first=True), nn.BatchNorm1d(2), lambda x: x[:, 9]):
        with pytest.raises(
            DataError, match=r"does not take inputs of shape \(5, 3\): .+; expected the shape that the source"
        ):
            named_inputs(network)(three)
    assert torch.equal(named_inputs(lambda x: 2 * x)(three), three)


def test_other_errors_of_a_network_are_its_own():
    def refuse(error):
        raise error

    for error in (ResidualError("named already"), KeyError("a mistake"), torch.cuda.OutOfMemoryError("no memory")):
        with pytest.raises(type(error)):
            named_inputs(lambda x, error=error: refuse(error))(torch.zeros(1))
