"""Regression and classification: their tasks, with mini-batches, losses and scores, and their problems."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pacpinn.errors import DataError
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.labels import ClassWeights, largest_label, weights_of_classes
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.samples import Rows, Samples
from pacpinn.tasks.task import Block, Forward, LeastSquaresTask, Score, named_inputs


class Pairs(NamedTuple):
    """A batch: inputs ``(rows, ...)`` with their values or labels."""

    x: Tensor
    y: Tensor


class SupervisedTask(LeastSquaresTask):
    """Common base of regression and classification.

    Args:
        batch_size: the largest number of rows in a mini-batch.
        penalty: strength of the penalties of allocation and calibration that suits the data.
    """

    def __init__(self, samples: Samples, batch_size: int = 256, penalty: float = 0.0) -> None:
        self.samples, self.batch_size, self._penalty = samples, batch_size, penalty
        self._training: Pairs | None = None
        self._validation: Pairs | None = None

    def to(self, dtype: torch.dtype | None = None, device: str | torch.device | None = None) -> Self:
        other = super().to(dtype, device)
        other._training = other._validation = None
        return other

    @property
    def penalty(self) -> float:
        return self._penalty

    def folds(self, count: int = 5, seed: int = 0) -> list[Self]:
        """`count` tasks for cross-validation: each is trained without one fold, which tests and validates it.

        The folds divide the training samples at random; the test samples take no part. They serve to choose
        hyper-parameters, such as a penalty's strength.
        """
        x, y = self.samples.x_train, self.samples.y_train
        if not 2 <= count <= len(x):
            raise DataError(f"{count} folds of {len(x)} training samples; expected 2 to {len(x)}")
        tasks = []
        for fold in np.array_split(np.random.default_rng(seed).permutation(len(x)), count):
            task, held_out = self.to(), (x[fold], y[fold])
            task.samples = Samples(np.delete(x, fold, 0), np.delete(y, fold, 0), *held_out, *held_out)
            tasks.append(task)
        return tasks

    def everything(self) -> Pairs:
        if self._training is None:
            self._training = self._tensors(Rows(self.samples.x_train, self.samples.y_train))
        return self._training

    def validation(self, forward: Forward) -> Tensor | None:
        if self._validation is None and (valid := self.samples.part("valid")):
            self._validation = self._tensors(valid)
        return None if self._validation is None else self.loss(forward, self._validation)

    def batches(self, seed: int) -> Iterator[Pairs]:
        """One pass through the training samples, shuffled, in batches whose sizes differ by one at most.

        A short last batch would give its samples more weight, and batch normalisation fails on a single row.
        """
        x, y = self.everything()
        order = np.random.default_rng(seed).permutation(len(x))
        for rows in np.array_split(order, -(-len(x) // self.batch_size)):
            chosen = torch.as_tensor(rows, device=self.device)
            yield Pairs(x[chosen], y[chosen])

    def inputs(self, batch: Pairs) -> Tensor:
        return batch.x

    def score(self, forward: Forward) -> Score | None:
        test = self.samples.part("test")
        return None if test is None else self._score(self.predict(forward, test.x), test.y)

    def _tensors(self, rows: Rows) -> Pairs:
        return Pairs(self.tensor(rows.x), self.tensor(rows.y))

    @abstractmethod
    def _score(self, predicted: np.ndarray, y: np.ndarray) -> Score:
        """The score of predictions against the true values or labels `y` of the test samples."""


class RegressionTask(SupervisedTask):
    """Regression: the loss is the mean square error, the score its root (RMSE) over test samples and outputs.

    Args:
        samples: inputs ``(rows, ...)`` and values ``(rows, outputs)``; for others a :class:`DataError` is raised.
        batch_size, penalty: as for :class:`SupervisedTask`.
    """

    def __init__(self, samples: Samples, batch_size: int = 256, penalty: float = 0.0) -> None:
        if samples.y_train.ndim != 2:
            raise DataError(
                f"y_train has shape {samples.y_train.shape}; a regression expects (rows, outputs): "
                "write y[:, None] if there is one output"
            )
        super().__init__(samples, batch_size, penalty)

    def residuals(self, forward: Forward, batch: Pairs) -> list[Block]:
        """One block for each output; raises a :class:`DataError` for outputs of another shape than the values."""
        outputs = named_inputs(forward)(batch.x)
        if outputs.shape != batch.y.shape:
            expected = f"{tuple(batch.y.shape)}: one output for each column of y_train"
            raise _wrong_outputs(outputs, expected, "outputs")
        rows, columns = torch.arange(len(outputs))[:, None], outputs.shape[1]
        return [Block(f"output {j + 1}", (outputs - batch.y)[:, j], rows, 1 / columns) for j in range(columns)]

    def _score(self, predicted: np.ndarray, y: np.ndarray) -> Score:
        return Score("RMSE", float(np.sqrt(np.mean((predicted - y) ** 2))))


class ClassificationTask(SupervisedTask):
    """Classification: the loss is the cross-entropy, the score the error rate on test samples.

    The network gives logits ``(rows, classes)``.

    Args:
        samples: inputs ``(rows, ...)`` and labels ``(rows,)``, whole numbers from 0 on and below `classes`; the
            training samples are of two classes at least. For others a :class:`DataError` is raised.
        batch_size, penalty: as for :class:`SupervisedTask`.
        class_weights: weight of a sample of each class in the loss, all above 0: one number for each class, in order
            or by label; or ``"balanced"``, in inverse proportion to the training samples of the class.
        classes: number of classes; by default the largest label plus one.
    """

    def __init__(
        self,
        samples: Samples,
        batch_size: int = 256,
        penalty: float = 0.0,
        class_weights: ClassWeights = None,
        classes: int | None = None,
    ) -> None:
        largest = max(largest_label(name, getattr(samples, name)) for name in ("y_train", "y_test", "y_valid"))
        self.classes = 1 + largest if classes is None else classes
        if largest >= self.classes:
            raise DataError(
                f"there is a label {largest} and there are {self.classes} classes; "
                f"expected labels 0 to {self.classes - 1}, or classes={largest + 1}"
            )
        labels = samples.y_train
        if labels.min() == labels.max():
            raise DataError(f"all training samples are of one class, {labels[0]}; expected two classes or more")
        super().__init__(samples, batch_size, penalty)
        self.class_weights = weights_of_classes(class_weights, self.classes, labels)

    def loss(self, forward: Forward, batch: Pairs) -> Tensor:
        """Mean cross-entropy; with class weights the weighted mean, as :func:`torch.nn.functional.cross_entropy`."""
        return self._cross_entropy(forward, batch).mean()

    def residuals(self, forward: Forward, batch: Pairs) -> list[Block]:
        """Square roots of the samples' cross-entropies, so that their mean square is the loss."""
        entropies = self._cross_entropy(forward, batch)
        # The root's derivative is infinite at 0, to which the entropy of a very sure prediction is rounded.
        roots = entropies.clamp_min(torch.finfo(entropies.dtype).tiny).sqrt()
        return [Block("cross-entropy", roots, torch.arange(len(roots))[:, None])]

    def _score(self, predicted: np.ndarray, y: np.ndarray) -> Score:
        return Score("error rate", float(np.mean(predicted.argmax(axis=1) != y)))

    def predict(self, forward: Forward, x: np.ndarray) -> np.ndarray:
        """Probabilities ``(rows, classes)``, the softmax of the network's logits."""
        with torch.no_grad():
            return named_inputs(forward)(self.tensor(x)).softmax(dim=1).cpu().numpy()

    def _cross_entropy(self, forward: Forward, batch: Pairs) -> Tensor:
        """Cross-entropy of each sample ``(rows,)``, times its weight relative to the batch: their mean is the loss."""
        logits = named_inputs(forward)(batch.x)
        if logits.ndim != 2 or logits.shape[1] < self.classes:
            expected = f"({len(batch.x)}, {self.classes}): one logit for each class, 0 to {self.classes - 1}"
            raise _wrong_outputs(logits, expected, "classes")
        entropies = functional.cross_entropy(logits, batch.y, reduction="none")
        if self.class_weights is None:
            return entropies
        weights = self.tensor(self.class_weights)[batch.y]
        return entropies * (weights / weights.mean())

    def _tensors(self, rows: Rows) -> Pairs:
        return Pairs(self.tensor(rows.x), torch.as_tensor(rows.y, dtype=torch.int64, device=self.device))


def _wrong_outputs(outputs: Tensor, expected: str, other: str) -> DataError:
    return DataError(
        f"the network's outputs have shape {tuple(outputs.shape)}; expected {expected}; a target of other {other} "
        "needs a new head: calibrate(..., head=nn.Linear(...))"
    )


class Supervised(Problem):
    """A family of regressions or classifications: choose one of the two.

    Class attributes that a subclass may set:
        batch_size: the largest number of rows in a mini-batch.
        prior: strength of the penalties of allocation and calibration, relative to the sum of the samples' losses.
            A task minimises their mean: its penalty is `prior` divided by the number of samples.
    """

    kind: ClassVar[type[SupervisedTask]]
    batch_size: ClassVar[int] = 256
    prior: ClassVar[float] = 0.0

    @abstractmethod
    def data(self, c: Coefficients) -> Samples:
        """Training and test samples at coefficients `c`, drawn from their own random generator."""

    def build(self, c: Coefficients) -> SupervisedTask:
        samples = self.data(c)
        return self.kind(samples, self.batch_size, self.prior / len(samples.x_train))


class Regression(Supervised):
    """A family of regressions; see :class:`RegressionTask`.

    Example:
        >>> class Slope(Regression):
        ...     "y = slope x + noise."
        ...     slope = Coefficient(1.0, low=-5.0, high=5.0)
        ...     samples = Count(1000, low=5, high=10_000, scale="log", doc="training samples")
        ...     def data(self, c):
        ...         rng = np.random.default_rng(0)
        ...         x = rng.normal(size=(100 + int(c.samples), 1))
        ...         y = c.slope * x + 0.1 * rng.normal(size=x.shape)
        ...         return Samples(x[100:], y[100:], x[:100], y[:100])
        ...     def network(self, seed):
        ...         return nn.Linear(1, 1)
    """

    kind = RegressionTask


class Classification(Supervised):
    """A family of classifications; see :class:`ClassificationTask`."""

    kind = ClassificationTask
