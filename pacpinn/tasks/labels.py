"""Labels of classes 0, 1, 2, ..., and what the samples of each class weigh in a loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pacpinn.errors import DataError

ClassWeights = Mapping[int, float] | Sequence[float] | np.ndarray | str | None


def largest_label(name: str, labels: np.ndarray | None) -> int:
    """The largest of labels ``(rows,)``, which must be whole numbers from 0 on; -1 if there are no labels."""
    if labels is None:
        return -1
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise DataError(
            f"{name} has type {labels.dtype} and shape {labels.shape}; a classification expects labels of shape "
            "(rows,): whole numbers 0, 1, 2, ..., one for each class; sklearn.preprocessing.LabelEncoder makes them"
        )
    return int(labels.max())


def weights_of_classes(given: ClassWeights, classes: int, labels: np.ndarray) -> np.ndarray | None:
    """One weight for each class ``(classes,)``; None if all classes weigh the same."""
    if given is None:
        return None
    if isinstance(given, str):
        if given != "balanced":
            raise DataError(f"class_weights={given!r}; expected 'balanced', or one weight for each class")
        return 1 / np.bincount(labels, minlength=classes).clip(min=1)
    if isinstance(given, Mapping):
        given = [given[label] for label in sorted(given)] if set(given) == set(range(classes)) else []
    weights = np.asarray(given, dtype=float)
    if weights.shape == (classes,) and np.isfinite(weights).all() and (weights > 0).all():
        return weights
    raise DataError(
        f"class_weights do not fit the classes 0 to {classes - 1}; expected one finite weight above 0 for each: "
        "a sequence in their order, or a mapping from label to weight"
    )
