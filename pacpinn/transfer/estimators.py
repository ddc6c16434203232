"""PAC as scikit-learn estimators: ``fit`` on the source, ``transfer`` to the target, ``predict``, ``score``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from pacpinn.errors import DataError
from pacpinn.tasks.labels import ClassWeights
from pacpinn.tasks.supervised import ClassificationTask, RegressionTask
from pacpinn.transfer.estimator_base import PACEstimator
from pacpinn.transfer.outputs import ClassOutputs, RegressionOutputs


class PACRegressor(RegressorMixin, PACEstimator):  # type: ignore[misc]
    """Regression by prune, allocate, calibrate: y is ``(rows,)`` or ``(rows, outputs)``. See :class:`PACEstimator`.

    Example:
        >>> model = PACRegressor(keep=0.7, random_state=0).fit(X_source, y_source)
        >>> model.transfer(X_few, y_few).predict(X)
        >>> model.source_.predict(X)
        >>> model.transfer(X_other, y_of_three_outputs, head="new").predict(X)
    """

    __module__ = "pacpinn"  # pickles name it: the public name stays wherever the class lies
    _read_y: ClassVar = {"y_numeric": True, "multi_output": True}
    _answers: RegressionOutputs

    def predict(self, X: Any) -> np.ndarray:
        """Values at X, of the shape of the source's y, or with a new head of the target's."""
        outputs = self._outputs(X).numpy()  # first: an estimator that is not fitted has no _answers
        return self._answers.decoded(outputs)

    def _answers_of(self, y: np.ndarray) -> RegressionOutputs:
        return RegressionOutputs.of(y, self.scale)

    def _task(self, x: np.ndarray, y: np.ndarray, answers: RegressionOutputs) -> RegressionTask:
        return RegressionTask(self._samples(x, answers.encoded(y)), self.batch_size)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


@dataclass(eq=False, repr=False)
class PACClassifier(ClassifierMixin, PACEstimator):  # type: ignore[misc]
    """Classification by prune, allocate, calibrate: y is ``(rows,)``, of any labels. See :class:`PACEstimator`.

    Args:
        class_weight: weight of a sample of each class: ``"balanced"``, or a mapping from label to weight.
    """

    class_weight: Mapping[Any, float] | str | None = None

    __module__ = "pacpinn"  # pickles name it: the public name stays wherever the class lies
    _answers: ClassOutputs = field(init=False)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities ``(rows, classes)``, in the order of ``classes_``."""
        return self._outputs(X).softmax(dim=1).numpy()

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest labels ``(rows,)``."""
        likeliest = self._outputs(X).argmax(dim=1).numpy()
        return self.classes_[likeliest]

    @property
    def classes_(self) -> np.ndarray:
        """The source's labels in order (a target may have fewer); with a new head the target's."""
        return self._answers.labels

    def _answers_of(self, y: np.ndarray) -> ClassOutputs:
        check_classification_targets(y)
        return ClassOutputs(np.unique(y))

    def _task(self, x: np.ndarray, y: np.ndarray, answers: ClassOutputs) -> ClassificationTask:
        samples = self._samples(x, answers.encoded(y))
        return ClassificationTask(samples, self.batch_size, 0.0, self._weights(answers.labels), answers.count)

    def _weights(self, labels: np.ndarray) -> ClassWeights:
        if self.class_weight is None or isinstance(self.class_weight, str):
            return self.class_weight
        given = dict(self.class_weight)
        if not set(given) & set(labels.tolist()):
            raise DataError(
                f"class_weight has weights for {', '.join(map(str, given))}; expected some for the classes "
                f"{', '.join(map(str, labels))}: set_params(class_weight=...) before a transfer to other classes"
            )
        weights: np.ndarray = compute_class_weight(given, classes=labels, y=labels)
        return weights
