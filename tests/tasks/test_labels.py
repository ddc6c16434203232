"""Labels of classes and what their samples weigh."""

import numpy as np
import pytest

from pacpinn.errors import DataError
from pacpinn.tasks.labels import largest_label, weights_of_classes

LABELS = np.array([0, 1, 1, 2, 2, 2])


def test_the_largest_label():
    assert largest_label("y_train", LABELS) == 2
    assert largest_label("y_test", None) == -1


@pytest.mark.parametrize("labels", [LABELS[:, None], LABELS.astype(float), LABELS - 1], ids=["column", "float", "-1"])
def test_what_is_no_label_is_refused(labels):
    with pytest.raises(DataError, match=r"y_valid has type .*; a classification expects labels of shape \(rows,\)"):
        largest_label("y_valid", labels)


def test_balanced_weights_make_all_classes_count_the_same():
    weights = weights_of_classes("balanced", 4, LABELS)
    assert [weights[label] * (label == LABELS).sum() for label in range(3)] == pytest.approx([1, 1, 1])
    assert np.isfinite(weights).all()  # of a class without samples too


def test_weights_by_label_are_those_in_order():
    assert weights_of_classes({2: 5.0, 0: 1.0, 1: 3.0}, 3, LABELS).tolist() == [1, 3, 5]
    assert weights_of_classes([1, 3, 5], 3, LABELS).tolist() == [1, 3, 5]
    assert weights_of_classes(None, 3, LABELS) is None


@pytest.mark.parametrize(
    "given", [[1, 2], {0: 1.0, 1: 2.0}, [1, 2, 0], [1, 2, np.nan], {0: 1.0, 1: 1.0, 3: 1.0}], ids=str
)
def test_weights_that_do_not_fit_are_refused(given):
    with pytest.raises(DataError, match="class_weights do not fit the classes 0 to 2"):
        weights_of_classes(given, 3, LABELS)
