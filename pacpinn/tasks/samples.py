"""Samples to learn from, to stop by and to be judged on; read from what people keep their data in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

from pacpinn.errors import DataError
from pacpinn.runtime.isolation import untouched

_PARTS = ("train", "test", "valid")
_ROWS_AT_ONCE = 256  # of a data set without a loader


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples to learn from, and if there are such, to be judged on and to stop by, as NumPy arrays.

    Given may be arrays, tensors, pandas frames of numbers, or lists; :meth:`split` makes all parts of one set.

    Args:
        x_train, x_test, x_valid: inputs ``(rows, ...)``, such as ``(rows, inputs)`` or
            ``(rows, channels, height, width)``.
        y_train, y_test, y_valid: values ``(rows, outputs)`` of a regression; labels ``(rows,)``, 0, 1, 2, ..., of a
            classification.

    Test samples are for scores alone; validation samples tell when to stop and have no part in training either.

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
        for part in _PARTS:
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if (x is None) != (y is None):
                raise DataError(f"of x_{part} and y_{part} one is given alone; expected both or neither")
            if x is not None and len(x) != len(y):
                raise DataError(f"x_{part} has {len(x)} rows and y_{part} has {len(y)}; expected one y for each x")
            for name, train, other in (("x", self.x_train, x), ("y", self.y_train, y)):
                if other is not None and train.shape[1:] != other.shape[1:]:
                    raise DataError(
                        f"{name}_train has shape {train.shape} and {name}_{part} {other.shape}; expected them to "
                        "differ in rows only"
                    )

    @classmethod
    def split(cls, x: Any, y: Any = None, test: float = 0.2, validation: float = 0.0, seed: int = 0) -> Self:
        """All of one data set, divided at random into training, test and validation samples.

        Args:
            x: inputs ``(rows, ...)``: an array, a tensor on any device, a pandas frame of numeric columns. Or, without
                `y`, a torch ``Dataset`` or ``DataLoader`` of pairs (x, y), which is read once and whole.
            y: labels ``(rows,)``, whole numbers, of which each part gets its share; or values ``(rows, outputs)``,
                of one output also ``(rows,)``.
            test, validation: fractions of the rows in [0, 1).
            seed: seed of the division.

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
                rest, taken = set_aside(rest, fraction, seed)
                parts |= {f"x_{part}": taken.x, f"y_{part}": taken.y}
        return cls(rest.x, rest.y, **parts)


class Rows(NamedTuple):
    """Inputs ``(rows, ...)`` with their values ``(rows, outputs)`` or labels ``(rows,)``."""

    x: np.ndarray
    y: np.ndarray


def set_aside(rows: Rows, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """The rest, and a random `fraction` of the rows; of labels, in which each class has its share in both.

    Raises:
        DataError: if there are too few rows, of a class or in all.
    """
    if len(rows.x) != len(rows.y):
        raise DataError(f"x has {len(rows.x)} rows and y has {len(rows.y)}; expected one y for each x")
    labels = rows.y if rows.y.ndim == 1 else None
    try:
        rest, taken = train_test_split(np.arange(len(rows.x)), test_size=fraction, random_state=seed, stratify=labels)
    except ValueError as problem:
        raise DataError(
            f"{len(rows.x)} rows cannot be divided with {fraction:.3g} of them set aside: {problem}; give more data or "
            "another fraction, or divide it yourself: Samples(x_train, y_train, x_test, y_test, x_valid, y_valid)"
        ) from None
    return Rows(rows.x[rest], rows.y[rest]), Rows(rows.x[taken], rows.y[taken])


def _read(data: Any) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and answers of a torch data set or loader of pairs, each pair once."""
    if not isinstance(data, Dataset | DataLoader):
        raise DataError(f"y is missing, and x is a {type(data).__name__}; expected x and y, or a Dataset or DataLoader")
    dataset = data.dataset if isinstance(data, DataLoader) else data
    name = type(dataset).__name__
    if not hasattr(dataset, "__len__"):
        raise DataError(
            f"{name} does not say how long it is, and may have no end; expected a data set with __len__: "
            "read as much of it as you need into arrays"
        )
    loader = data if isinstance(data, DataLoader) else DataLoader(data, batch_size=_ROWS_AT_ONCE)
    with untouched():  # a loader draws from torch's own stream
        batches = list(_pairs(loader))
    if not batches:
        raise DataError(f"{name} is empty; expected at least one pair (x, y)")
    try:
        x, y = (np.concatenate([_array("xy"[i], each[i]) for each in batches]) for i in (0, 1))
    except ValueError as problem:
        raise DataError(f"{name} has batches that do not fit together: {problem}") from None
    return x, y


def _pairs(loader: DataLoader[Any]) -> Iterator[tuple[Any, Any]]:
    """The batches of a loader, no more of them than it says it has."""
    name = type(loader.dataset).__name__
    try:
        for batch in islice(loader, len(loader)):
            if not isinstance(batch, list | tuple) or len(batch) != 2:
                raise DataError(f"{name} gives a {type(batch).__name__}; expected pairs (x, y)")
            yield batch[0], batch[1]
    except (TypeError, RuntimeError) as problem:
        raise DataError(
            f"{name} cannot be put into batches: {problem}; expected pairs (x, y) of tensors, arrays or numbers, "
            "all of one shape: images need a transform that makes tensors of them"
        ) from problem


def _array(name: str, values: Any) -> np.ndarray:
    """Tensors, frames and whatever else NumPy makes an array of."""
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
    array = _array(name, values)
    if array.ndim == 0 or len(array) == 0:
        raise DataError(f"{name} has shape {array.shape}; expected at least one row")
    if not np.issubdtype(array.dtype, np.number):
        raise DataError(
            f"{name} is of type {array.dtype}; expected numbers: names of classes become labels 0, 1, 2, ... by "
            "sklearn.preprocessing.LabelEncoder, or let PACClassifier do it"
        )
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds NaN or infinity; expected finite numbers: remove or mend those samples")
    return np.require(array, requirements="W")  # torch takes no array that is not writable, as pandas gives


ClassWeights = Mapping[int, float] | Sequence[float] | np.ndarray | str | None


def largest_label(name: str, labels: np.ndarray | None) -> int:
    """The largest of some labels, -1 without any; refuses what are none."""
    if labels is None:
        return -1
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise DataError(
            f"{name} has type {labels.dtype} and shape {labels.shape}; a classification expects labels of shape "
            "(rows,): whole numbers 0, 1, 2, ..., one for each class; sklearn.preprocessing.LabelEncoder makes them"
        )
    return int(labels.max())


def weights_of_classes(given: ClassWeights, classes: int, labels: np.ndarray) -> np.ndarray | None:
    """One weight for each class ``(classes,)``; None if all weigh the same."""
    if given is None:
        return None
    if isinstance(given, str):
        if given != "balanced":
            raise DataError(f"class_weights={given!r}; expected 'balanced', or one weight for each class")
        return 1 / np.bincount(labels, minlength=classes).clip(min=1)
    if isinstance(given, Mapping):
        given = [given[label] for label in sorted(given)] if set(given) == set(range(classes)) else []
    weights = np.asarray(given, dtype=float)
    if weights.shape != (classes,) or not np.isfinite(weights).all() or not (weights > 0).all():
        raise DataError(
            f"class_weights do not fit the classes 0 to {classes - 1}; expected one finite weight above 0 for each: "
            "a sequence in their order, or a mapping from label to weight"
        )
    return weights
