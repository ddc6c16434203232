"""Samples for training, validation and testing, and how they are read from arrays, frames and data loaders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

from pacpinn.errors import DataError
from pacpinn.runtime.isolation import untouched

_ROWS_AT_ONCE = 256  # read from a data set without a loader


class Rows(NamedTuple):
    """Inputs ``(rows, ...)`` with their values ``(rows, outputs)`` or labels ``(rows,)``."""

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class Samples:
    """Training samples, and test and validation samples if there are any, as NumPy arrays.

    Arrays, tensors on any device, pandas frames of numbers and lists are accepted; :meth:`split` divides one data set.
    Test samples are for scores alone. Validation samples decide when to stop; they take no part in training either.

    Args:
        x_train, x_test, x_valid: inputs ``(rows, ...)``, such as ``(rows, channels, height, width)``.
        y_train, y_test, y_valid: values ``(rows, outputs)`` of a regression; labels ``(rows,)``, 0, 1, 2, ..., of a
            classification.

    Raises:
        DataError: if rows of x and y do not match, shapes of the parts differ, a part is empty, or anything is NaN,
            infinite or not a number.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    x_valid: np.ndarray | None = None
    y_valid: np.ndarray | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            given = getattr(self, each.name)
            if given is not None or each.name.endswith("train"):
                object.__setattr__(self, each.name, _numbers(each.name, given))
        for part in ("train", "test", "valid"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if (x is None) != (y is None):
                raise DataError(f"of x_{part} and y_{part} one is given alone; expected both or neither")
            if x is not None:
                _require_one_y_for_each_x(Rows(x, y), f"_{part}")
                for name, train, other in (("x", self.x_train, x), ("y", self.y_train, y)):
                    if train.shape[1:] != other.shape[1:]:
                        shapes = f"{name}_train has shape {train.shape} and {name}_{part} {other.shape}"
                        raise DataError(f"{shapes}; expected them to differ in rows only")

    def part(self, name: str) -> Rows | None:
        """The samples for ``"train"``, ``"test"`` or ``"valid"``; None if there are none."""
        x, y = getattr(self, f"x_{name}"), getattr(self, f"y_{name}")
        return None if x is None else Rows(x, y)

    @classmethod
    def split(cls, x: Any, y: Any = None, test: float = 0.2, validation: float = 0.0, seed: int = 0) -> Self:
        """One data set, divided at random into training, test and validation samples.

        Args:
            x: inputs ``(rows, ...)``. Or, without `y`, a torch ``Dataset`` or ``DataLoader`` of pairs (x, y), all of
                which are read, once.
            y: labels ``(rows,)``, whole numbers, whose classes have the same share in all parts; or values
                ``(rows, outputs)``, of one output also ``(rows,)``.
            test, validation: fractions of the rows in [0, 1).

        Raises:
            DataError: if the data cannot be read as numbers, or there are too few rows to divide.
        """
        x, y = _read(x) if y is None else (x, y)
        rest = Rows(_numbers("x", x), _numbers("y", y))
        if np.issubdtype(rest.y.dtype, np.floating) and rest.y.ndim == 1:
            rest = Rows(rest.x, rest.y[:, None])
        if min(test, validation) < 0 or not test + validation < 1:
            raise DataError(
                f"test={test:g} and validation={validation:g} leave nothing to learn from; expected fractions of the "
                "rows, 0 or more, with a sum below 1"
            )
        parts: dict[str, np.ndarray] = {}
        for part, fraction in (("test", test), ("valid", validation / (1 - test))):
            if fraction:
                rest, chosen = set_aside(rest, fraction, seed)
                parts |= {f"x_{part}": chosen.x, f"y_{part}": chosen.y}
        return cls(rest.x, rest.y, **parts)


def set_aside(rows: Rows, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """The rest, and a random `fraction` of the rows. With labels, each class has the same share in both."""
    _require_one_y_for_each_x(rows)
    labels = rows.y if rows.y.ndim == 1 else None
    try:
        rest, chosen = train_test_split(np.arange(len(rows.x)), test_size=fraction, random_state=seed, stratify=labels)
    except ValueError as problem:
        raise DataError(
            f"{len(rows.x)} rows cannot be divided with {fraction:.3g} of them set aside: {problem}; give more data or "
            "another fraction, or divide it yourself: Samples(x_train, y_train, x_test, y_test, x_valid, y_valid)"
        ) from None
    return Rows(rows.x[rest], rows.y[rest]), Rows(rows.x[chosen], rows.y[chosen])


def _require_one_y_for_each_x(rows: Rows, part: str = "") -> None:
    if len(rows.x) != len(rows.y):
        raise DataError(f"x{part} has {len(rows.x)} rows and y{part} has {len(rows.y)}; expected one y for each x")


def _read(data: Any) -> Rows:
    """All pairs of a torch data set or loader, once each."""
    if not isinstance(data, Dataset | DataLoader):
        raise DataError(f"y is missing, and x is a {type(data).__name__}; expected x and y, or a Dataset or DataLoader")
    loader = data if isinstance(data, DataLoader) else DataLoader(data, batch_size=_ROWS_AT_ONCE)
    name = type(loader.dataset).__name__
    if not hasattr(loader.dataset, "__len__"):
        raise DataError(
            f"{name} has no length and may be endless; expected a data set with __len__: "
            "read as much of it as you need into arrays"
        )
    with untouched():  # a loader draws from torch's own random stream
        batches = list(_pairs(loader, name))
    if not batches:
        raise DataError(f"{name} is empty; expected at least one pair (x, y)")
    try:
        return Rows(*(np.concatenate([_array(key, each[i]) for each in batches]) for i, key in enumerate("xy")))
    except ValueError as problem:
        raise DataError(f"{name} has batches that do not fit together: {problem}") from None


def _pairs(loader: DataLoader[Any], name: str) -> Iterator[Sequence[Any]]:
    """The batches of a loader, no more of them than its length."""
    try:
        for batch in islice(loader, len(loader)):
            if not isinstance(batch, list | tuple) or len(batch) != 2:
                raise DataError(f"{name} gives a {type(batch).__name__}; expected pairs (x, y)")
            yield batch
    except (TypeError, RuntimeError) as problem:
        raise DataError(
            f"{name} cannot be put into batches: {problem}; expected pairs (x, y) of tensors, arrays or numbers, "
            "all of one shape: images need a transform that makes tensors of them"
        ) from problem


def _array(name: str, values: Any) -> np.ndarray:
    """An array of a tensor, a pandas frame, or anything else that NumPy accepts."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype is torch.bfloat16 else values).numpy()
    if hasattr(values, "iloc") and hasattr(values, "columns"):  # a pandas frame, without importing pandas
        columns = [str(column) for column, dtype in values.dtypes.items() if getattr(dtype, "kind", "O") not in "biuf"]
        if columns:
            raise DataError(
                f"{name} has columns that are not numeric: {', '.join(columns)}; leave them out, or encode them as "
                "numbers first, for example by pandas.get_dummies"
            )
        return values.to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(values)


def _numbers(name: str, values: Any) -> np.ndarray:
    """A writable array of finite numbers with at least one row."""
    array = _array(name, values)
    if array.ndim == 0 or len(array) == 0:
        raise DataError(f"{name} has shape {array.shape}; expected at least one row")
    if not np.issubdtype(array.dtype, np.number):
        raise DataError(
            f"{name} is of type {array.dtype}; expected numbers: sklearn.preprocessing.LabelEncoder makes labels "
            "0, 1, 2, ... of names of classes, and so does PACClassifier"
        )
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds NaN or infinity; expected finite numbers: remove or mend those samples")
    return np.require(array, requirements="W")  # torch refuses arrays that are not writable, such as pandas gives
