"""Samples: read from arrays, tensors, frames and data sets; checked; divided."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import pacpinn as pp
from pacpinn.errors import DataError
from tests.toys import same_bits

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X[:, :1] ** 2
LABELS = np.repeat([0, 1, 2], [30, 20, 10])


def rows_of(samples: pp.Samples) -> np.ndarray:
    """All inputs, sorted by their first."""
    x = np.concatenate([each for each in (samples.x_train, samples.x_test, samples.x_valid) if each is not None])
    return x[x[:, 0].argsort()]


# Dividing -------------------------------------------------------------------------------------------------------------


def test_every_row_is_in_one_part_with_its_own_answer():
    samples = pp.Samples.split(X, Y, test=0.2, validation=0.3)
    assert [len(each) for each in (samples.x_train, samples.x_test, samples.x_valid)] == [30, 12, 18]
    np.testing.assert_array_equal(rows_of(samples), X[X[:, 0].argsort()])
    for part in ("train", "test", "valid"):
        x, y = getattr(samples, f"x_{part}"), getattr(samples, f"y_{part}")
        np.testing.assert_array_equal(y, x[:, :1] ** 2)


def test_each_part_has_its_share_of_each_class():
    samples = pp.Samples.split(X, LABELS, test=0.2, validation=0.2)
    assert np.bincount(samples.y_test).tolist() == [6, 4, 2]
    assert np.bincount(samples.y_valid).tolist() == [6, 4, 2]


def test_a_part_that_is_not_asked_for_is_not_there():
    samples = pp.Samples.split(X, Y, test=0)
    assert (len(samples.x_train), samples.x_test, samples.y_test, samples.x_valid) == (60, None, None, None)
    assert pp.RegressionTask(samples).score(lambda x: x[:, :1]) is None


def test_the_division_is_fixed_by_its_seed_and_leaves_the_global_random_state_alone():
    state = np.random.get_state()[1].copy()
    first, again, other = (pp.Samples.split(X, Y, seed=seed).x_train for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (np.random.get_state()[1] == state).all()


def test_values_of_one_output_may_be_a_vector():
    assert pp.Samples.split(X, Y[:, 0]).y_train.shape == (48, 1)


@pytest.mark.parametrize(("test", "validation"), [(0.5, 0.5), (-0.1, 0.2), (1.2, 0), (float("nan"), 0)])
def test_impossible_fractions_are_refused(test, validation):
    with pytest.raises(DataError, match="leave nothing to learn from; expected fractions"):
        pp.Samples.split(X, Y, test=test, validation=validation)


def test_a_class_too_small_to_divide_is_refused():
    with pytest.raises(
        DataError, match=r"60 rows cannot be divided with 0.2 of them set aside: .*least populated class"
    ):
        pp.Samples.split(X, np.eye(60, dtype=int)[0])


# What data may be kept in ---------------------------------------------------------------------------------------------


class Squares(Dataset):
    """Pairs (x, x squared), one by one."""

    def __len__(self):
        return len(X)

    def __getitem__(self, i):
        return torch.tensor(X[i]), torch.tensor(Y[i])


class Endless(IterableDataset):
    """Pairs without end."""

    def __iter__(self):
        while True:
            yield torch.ones(3), torch.ones(1)


class Boastful(Endless):
    """Pairs without end that claim to be five."""

    def __len__(self):
        return 5


KEPT_IN = {
    "arrays": (X, Y),
    "lists": (X.tolist(), Y.tolist()),
    "tensors": (torch.tensor(X, requires_grad=True), torch.tensor(Y)),
    "pandas": (pd.DataFrame(X, columns=list("abc")), pd.Series(Y[:, 0])),
    "frames": (pd.DataFrame(X), pd.DataFrame(Y)),
    "data set": (Squares(),),
    "tensor data set": (TensorDataset(torch.tensor(X), torch.tensor(Y)),),
    "loader": (DataLoader(Squares(), batch_size=7, shuffle=True),),
}


@pytest.mark.parametrize("data", KEPT_IN.values(), ids=KEPT_IN)
def test_data_is_read_from_what_it_is_kept_in(data):
    samples = pp.Samples.split(*data)
    np.testing.assert_array_equal(rows_of(samples), X[X[:, 0].argsort()])
    np.testing.assert_array_equal(samples.y_train, samples.x_train[:, :1] ** 2)


def test_samples_may_be_frames_and_tensors():
    samples = pp.Samples(pd.DataFrame(X), torch.tensor(LABELS), torch.tensor(X), pd.Series(LABELS, dtype="Int64"))
    np.testing.assert_array_equal(samples.x_train, X)
    np.testing.assert_array_equal(samples.y_test, LABELS)
    assert pp.ClassificationTask(samples).classes == 3


def test_torch_takes_frames_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pp.ClassificationTask(pp.Samples.split(pd.DataFrame(X), pd.Series(LABELS))).everything()


def test_labels_of_a_data_set_stay_whole_numbers():
    samples = pp.Samples.split(TensorDataset(torch.tensor(X), torch.tensor(LABELS)))
    assert np.issubdtype(samples.y_train.dtype, np.integer)


def test_numbers_of_half_precision_are_read():
    assert pp.Samples(torch.ones(2, 1, dtype=torch.bfloat16), [[1.0], [2.0]]).x_train.dtype == np.float32


def test_reading_a_loader_leaves_torchs_random_state_alone():
    state = torch.get_rng_state()
    pp.Samples.split(DataLoader(Squares(), shuffle=True))
    assert same_bits(torch.get_rng_state(), state)


def test_a_data_set_without_the_end_that_it_claims_is_not_read_for_ever():
    assert len(pp.Samples.split(Boastful(), test=0).x_train) >= 5


class Odd(Dataset):
    """Ten items of any kind."""

    def __init__(self, item, count=10):
        self.item, self.count = item, count

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return self.item(i)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((Endless(),), "Endless has no length"),
        ((DataLoader(Endless()),), "Endless has no length"),
        ((Odd(lambda i: 1.0, count=0),), "Odd is empty"),
        ((Odd(lambda i: {"x": 1.0, "y": 2.0}),), r"Odd gives a dict; expected pairs \(x, y\)"),
        ((Odd(lambda i: (object(), 1)),), "Odd cannot be put into batches: .*a transform that makes tensors"),
        ((Odd(lambda i: (torch.ones(1 + i), 1)),), "Odd cannot be put into batches: .*all of one shape"),
        ((DataLoader(Odd(lambda i: (torch.ones(1 + i), 1))),), "Odd has batches that do not fit together"),
        ((X,), "y is missing, and x is a ndarray"),
        ((pd.DataFrame({"age": [1, 2], "town": ["A", "B"], "day": pd.to_datetime(["2020", "2021"])}), Y[:2]),
         "x has columns that are not numeric: town, day"),
        ((pd.DataFrame({"age": [1, None]}), Y[:2]), "x holds NaN"),
        ((pd.DataFrame({"age": pd.array([1, None], dtype="Int64")}), Y[:2]), "x holds NaN"),
        ((X, pd.Series(["cat", "dog"] * 30)), "y is of type .*LabelEncoder .* and so does PACClassifier"),
        ((X, Y[:3]), "x has 60 rows and y has 3"),
        ((X[:0], Y[:0]), "x has shape .*; expected at least one row"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(data, message):
    with pytest.raises(DataError, match=message):
        pp.Samples.split(*data)


# Parts that do not fit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x_valid": X}, "of x_valid and y_valid one is given alone"),
        ({"y_test": Y}, "of x_test and y_test one is given alone"),
        ({"x_valid": X[:, :2], "y_valid": Y}, r"x_train has shape \(60, 3\) and x_valid \(60, 2\)"),
        ({"x_valid": X, "y_valid": Y[:4]}, "x_valid has 60 rows and y_valid has 4"),
        ({"x_valid": X[:0], "y_valid": Y[:0]}, "x_valid has shape .*; expected at least one row"),
    ],
)
def test_parts_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        pp.Samples(X, Y, **arguments)


def test_bad_data_is_a_value_error_too():
    with pytest.raises(ValueError, match="x_train holds NaN"):
        pp.Samples(X * np.nan, Y)
