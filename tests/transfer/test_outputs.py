"""What an estimator's y is made of."""

import numpy as np
import pytest

from pacpinn.errors import DataError
from pacpinn.transfer.outputs import ClassOutputs, RegressionOutputs, Scale

Y = np.array([[1.0, 200.0], [3.0, 100.0]])


def test_values_go_to_spread_one_and_back():
    values = RegressionOutputs.of(Y, scaled=True)
    np.testing.assert_allclose(values.encoded(Y), [[-1, 1], [1, -1]])
    np.testing.assert_allclose(values.decoded(values.encoded(Y)), Y)
    assert values.count == 2
    np.testing.assert_array_equal(RegressionOutputs.of(Y, scaled=False).encoded(Y), Y)


def test_values_of_one_output_keep_their_shape():
    for y in (Y[:, 0], Y[:, :1]):
        values = RegressionOutputs.of(y, scaled=True)
        assert values.encoded(y).shape == (2, 1)
        assert values.decoded(values.encoded(y)).shape == y.shape


def test_classes_become_their_places():
    classes = ClassOutputs(np.array(["cat", "dog", "emu"]))
    np.testing.assert_array_equal(classes.encoded(np.array(["emu", "cat"])), [2, 0])
    assert classes.count == 3


@pytest.mark.parametrize(
    ("answers", "y", "message"),
    [
        (
            RegressionOutputs.of(Y, True),
            Y[:, :1],
            "the target has 1 outputs and the source 2; .* need a new head, by transfer",
        ),
        (
            ClassOutputs(np.arange(3)),
            np.array([0, 7, 8]),
            "has not: 7, 8; expected some of 0, 1, 2: .* need a new head",
        ),
        (ClassOutputs(np.arange(3)), np.array([1, 1]), "all samples are of one class, 1; expected two classes or more"),
    ],
)
def test_answers_that_a_head_cannot_give_are_named(answers, y, message):
    with pytest.raises(DataError, match=message):
        answers.encoded(y)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("shape", "rows"), [((50, 3), 0), ((20, 3, 4, 5), (0, 2, 3))])
def test_each_column_or_channel_has_mean_zero_and_spread_one(shape, rows):
    values = 1e3 + RNG.normal(size=shape) * np.array([1e-3, 1, 1e6]).reshape(1, 3, *[1] * (len(shape) - 2))
    scale = Scale.of(values)
    np.testing.assert_allclose(scale.scaled(values).mean(axis=rows), 0, atol=1e-8)
    np.testing.assert_allclose(scale.scaled(values).std(axis=rows), 1)
    np.testing.assert_allclose(scale.back(scale.scaled(values)), values)


@pytest.mark.parametrize("level", [0.0, 0.1, -1e9])
def test_a_column_without_spread_keeps_its_size(level):
    scale = Scale.of(np.full((7, 1), level))
    np.testing.assert_allclose(scale.scaled(np.array([[level + 2.0]])), 2.0)


def test_no_scale_leaves_values_as_they_are():
    assert Scale().scaled(RNG.normal(size=3)).shape == (3,)
    assert Scale().back(np.ones(2)).tolist() == [1, 1]
