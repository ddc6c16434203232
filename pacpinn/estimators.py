"""PAC as scikit-learn's estimators: ``fit`` on the source, ``transfer`` to the target, ``predict``, ``score``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from pacpinn.errors import DataError
from pacpinn.pac_estimator import Network, PACEstimator, RandomState
from pacpinn.scale import Scale
from pacpinn.solvers import SolverChoice
from pacpinn.supervised import ClassificationTask, RegressionTask


class PACRegressor(RegressorMixin, PACEstimator):  # type: ignore[misc]
    """Regression by prune, allocate, calibrate: y is ``(rows,)`` or ``(rows, outputs)``. See :class:`PACEstimator`.

    Example:
        >>> model = PACRegressor(keep=0.7, random_state=0).fit(X_source, y_source)
        >>> model.transfer(X_few, y_few).predict(X)
        >>> model.source_.predict(X)
    """

    _read_y: ClassVar = {"y_numeric": True, "multi_output": True}

    def predict(self, X: Any) -> np.ndarray:
        """Values at X, of the shape that the source's y has."""
        outputs = self._outputs(X).numpy()
        values = self._values.back(outputs)
        return values[:, 0] if self._one_output else values

    def _new_answers(self, y: np.ndarray) -> tuple[np.ndarray, int]:
        self._one_output = y.ndim == 1
        values = y.reshape(len(y), -1)
        self._values = Scale.of(values) if self.scale else Scale()
        self._count = values.shape[1]
        return self._values.scaled(values), self._count

    def _known_answers(self, y: np.ndarray) -> np.ndarray:
        values = y.reshape(len(y), -1)
        if values.shape[1] != self._count:
            raise DataError(
                f"the target has {values.shape[1]} outputs and the source {self._count}; expected the same ones: other "
                "outputs need a new head of the network"
            )
        return self._values.scaled(values)

    def _task(self, x: np.ndarray, answers: np.ndarray) -> RegressionTask:
        return RegressionTask(self._samples(x, answers), self.batch_size, self.prior / len(x))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class PACClassifier(ClassifierMixin, PACEstimator):  # type: ignore[misc]
    """Classification by prune, allocate, calibrate: y is ``(rows,)``, of any labels. See :class:`PACEstimator`.

    Args:
        class_weight: what a sample of each class weighs: ``"balanced"``, or a mapping from label to weight.

    Attributes:
        classes_: the source's labels, in order; a target may have fewer.
    """

    def __init__(
        self,
        network: Network = None,
        hidden: Sequence[int] = (100,),
        keep: float = 0.7,
        prior: float = 1.0,
        scale: bool = True,
        solver: SolverChoice = None,
        steps: int = 2000,
        learning_rate: float = 3e-3,
        batch_size: int = 256,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        source: tuple[Any, Any] | None = None,
        random_state: RandomState = None,
        device: str = "cpu",
        class_weight: Mapping[Any, float] | str | None = None,
    ) -> None:
        super().__init__(
            network, hidden, keep, prior, scale, solver, steps, learning_rate, batch_size, patience,
            validation_fraction, source, random_state, device,
        )  # fmt: skip
        self.class_weight = class_weight

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities ``(rows, classes)``, in the order of ``classes_``."""
        return self._outputs(X).softmax(dim=1).numpy()

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest labels ``(rows,)``."""
        likeliest = self._outputs(X).argmax(dim=1).numpy()
        return self.classes_[likeliest]

    def _new_answers(self, y: np.ndarray) -> tuple[np.ndarray, int]:
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        return self._known_answers(y), len(self.classes_)

    def _known_answers(self, y: np.ndarray) -> np.ndarray:
        classes = np.unique(y)
        unknown = np.setdiff1d(classes, self.classes_)
        if len(unknown):
            raise DataError(
                f"the target has classes that the source has not: {', '.join(map(str, unknown))}; expected some of "
                f"{', '.join(map(str, self.classes_))}: other classes need a new head of the network"
            )
        if len(classes) < 2:
            raise DataError(f"all samples are of one class, {classes[0]}; expected two classes or more")
        return np.searchsorted(self.classes_, y)

    def _task(self, x: np.ndarray, answers: np.ndarray) -> ClassificationTask:
        weights = self.class_weight
        if not isinstance(weights, str | None):
            weights = compute_class_weight(dict(weights), classes=self.classes_, y=self.classes_)
        samples = self._samples(x, answers)
        return ClassificationTask(samples, self.batch_size, self.prior / len(x), weights, len(self.classes_))
