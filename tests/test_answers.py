"""What an estimator's y is made of."""

import numpy as np
import pytest

from pacpinn.answers import Classes, Values
from pacpinn.errors import DataError

Y = np.array([[1.0, 200.0], [3.0, 100.0]])


def test_values_go_to_spread_one_and_back():
    values = Values.of(Y, scaled=True)
    np.testing.assert_allclose(values.encoded(Y), [[-1, 1], [1, -1]])
    np.testing.assert_allclose(values.decoded(values.encoded(Y)), Y)
    assert values.count == 2
    np.testing.assert_array_equal(Values.of(Y, scaled=False).encoded(Y), Y)


def test_values_of_one_output_keep_their_shape():
    for y in (Y[:, 0], Y[:, :1]):
        values = Values.of(y, scaled=True)
        assert values.encoded(y).shape == (2, 1)
        assert values.decoded(values.encoded(y)).shape == y.shape


def test_classes_become_their_places():
    classes = Classes(np.array(["cat", "dog", "emu"]))
    np.testing.assert_array_equal(classes.encoded(np.array(["emu", "cat"])), [2, 0])
    assert classes.count == 3


@pytest.mark.parametrize(
    ("answers", "y", "message"),
    [
        (Values.of(Y, True), Y[:, :1], "the target has 1 outputs and the source 2; .* need a new head, by transfer"),
        (Classes(np.arange(3)), np.array([0, 7, 8]), "has not: 7, 8; expected some of 0, 1, 2: .* need a new head"),
        (Classes(np.arange(3)), np.array([1, 1]), "all samples are of one class, 1; expected two classes or more"),
    ],
)
def test_answers_that_a_head_cannot_give_are_named(answers, y, message):
    with pytest.raises(DataError, match=message):
        answers.encoded(y)
