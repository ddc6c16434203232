"""PAC as scikit-learn's estimators: ``fit`` on the source, ``transfer`` to the target, ``predict``, ``score``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from pacpinn.errors import DataError
from pacpinn.solvers.choice import SolverChoice
from pacpinn.tasks.labels import ClassWeights
from pacpinn.tasks.supervised import ClassificationTask, RegressionTask
from pacpinn.transfer.estimator_base import Head, Network, PACEstimator, RandomState
from pacpinn.transfer.model_selection import PRIORS
from pacpinn.transfer.outputs import ClassOutputs, RegressionOutputs


class PACRegressor(RegressorMixin, PACEstimator):  # type: ignore[misc]
    """Regression by prune, allocate, calibrate: y is ``(rows,)`` or ``(rows, outputs)``. See :class:`PACEstimator`.

    Example:
        >>> model = PACRegressor(keep=0.7, random_state=0).fit(X_source, y_source)
        >>> model.transfer(X_few, y_few).predict(X)
        >>> model.source_.predict(X)
        >>> model.transfer(X_other, y_of_three_outputs, head="new").predict(X)
    """

    _read_y: ClassVar = {"y_numeric": True, "multi_output": True}
    _answers: RegressionOutputs

    def predict(self, X: Any) -> np.ndarray:
        """Values at X, of the shape that the source's y has, or with a new head the target's."""
        outputs = self._outputs(X).numpy()
        return self._answers.decoded(outputs)

    def _answers_of(self, y: np.ndarray) -> RegressionOutputs:
        return RegressionOutputs.of(y, self.scale)

    def _task(self, x: np.ndarray, y: np.ndarray, answers: RegressionOutputs) -> RegressionTask:
        return RegressionTask(self._samples(x, answers.encoded(y)), self.batch_size)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class PACClassifier(ClassifierMixin, PACEstimator):  # type: ignore[misc]
    """Classification by prune, allocate, calibrate: y is ``(rows,)``, of any labels. See :class:`PACEstimator`.

    Args:
        class_weight: what a sample of each class weighs: ``"balanced"``, or a mapping from label to weight.

    Attributes:
        classes_: the source's labels, in order, of which a target may have fewer; with a new head the target's.
    """

    _answers: ClassOutputs

    def __init__(
        self,
        network: Network = None,
        hidden: Sequence[int] = (100,),
        keep: float = 0.7,
        prior: float | Sequence[float] = PRIORS,
        scale: bool = True,
        solver: SolverChoice = None,
        steps: int = 2000,
        learning_rate: float = 3e-3,
        batch_size: int = 256,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        head: Head = "same",
        source: tuple[Any, Any] | None = None,
        random_state: RandomState = None,
        device: str = "cpu",
        class_weight: Mapping[Any, float] | str | None = None,
    ) -> None:
        super().__init__(
            network, hidden, keep, prior, scale, solver, steps, learning_rate, batch_size, patience,
            validation_fraction, head, source, random_state, device,
        )  # fmt: skip
        self.class_weight = class_weight

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities ``(rows, classes)``, in the order of ``classes_``."""
        return self._outputs(X).softmax(dim=1).numpy()

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest labels ``(rows,)``."""
        likeliest = self._outputs(X).argmax(dim=1).numpy()
        return self.classes_[likeliest]

    @property
    def classes_(self) -> np.ndarray:
        """The labels ``(classes,)``, in order."""
        return self._answers.labels

    def _answers_of(self, y: np.ndarray) -> ClassOutputs:
        check_classification_targets(y)
        return ClassOutputs(np.unique(y))

    def _task(self, x: np.ndarray, y: np.ndarray, answers: ClassOutputs) -> ClassificationTask:
        samples = self._samples(x, answers.encoded(y))
        return ClassificationTask(samples, self.batch_size, 0.0, self._weights(answers.labels), answers.count)

    def _weights(self, labels: np.ndarray) -> ClassWeights:
        """What a sample of each class weighs, in the order of the labels."""
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
