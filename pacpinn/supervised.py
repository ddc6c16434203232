"""Regression and classification as problems and tasks: samples, mini-batches, a score on test data."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pacpinn.coefficient import Coefficients
from pacpinn.errors import DataError
from pacpinn.problem import Problem
from pacpinn.task import Block, Forward, LeastSquaresTask, Score


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples to learn from and samples to be judged on, as NumPy arrays (or what NumPy makes an array of).

    Args:
        x_train, x_test: inputs ``(rows, ...)``, such as ``(rows, inputs)`` or ``(rows, channels, height, width)``.
        y_train, y_test: values ``(rows, outputs)`` of a regression; labels ``(rows,)``, 0, 1, 2, ..., of a
            classification.

    Raises:
        DataError: if rows of x and y do not match, shapes of training and test differ, there are none, or any is NaN,
            infinite or not a number.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, _numbers(each.name, getattr(self, each.name)))
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if len(x) != len(y):
                raise DataError(f"x_{part} has {len(x)} rows and y_{part} has {len(y)}; expected one y for each x")
        for part in ("x", "y"):
            train, test = getattr(self, f"{part}_train").shape, getattr(self, f"{part}_test").shape
            if train[1:] != test[1:]:
                raise DataError(
                    f"{part}_train has shape {train} and {part}_test {test}; expected them to differ in rows only"
                )


class Pairs(NamedTuple):
    """A batch: inputs ``(rows, ...)`` with their values or labels."""

    x: Tensor
    y: Tensor


class SupervisedTask(LeastSquaresTask):
    """What regression and classification share.

    Args:
        samples: the data.
        batch_size: rows of a mini-batch at most.
        penalty: strength of the penalties of allocation and calibration that suits the data.
    """

    def __init__(self, samples: Samples, batch_size: int = 256, penalty: float = 0.0) -> None:
        self.samples = samples
        self.batch_size = batch_size
        self._penalty = penalty
        self._training: Pairs | None = None

    def to(self, dtype: torch.dtype | None = None, device: str | torch.device | None = None) -> Self:
        other = super().to(dtype, device)
        other._training = None
        return other

    @property
    def penalty(self) -> float:
        return self._penalty

    def folds(self, count: int = 5, seed: int = 0) -> list[Self]:
        """The task `count` times, each holding out another part of the training samples in place of the test samples.

        For choosing hyper-parameters, such as a penalty's strength, by cross-validation: the test samples take no part.

        Raises:
            DataError: if there are fewer than two folds or more folds than samples.
        """
        rows = len(self.samples.x_train)
        if not 2 <= count <= rows:
            raise DataError(f"{count} folds of {rows} training samples; expected 2 to {rows}")
        held_out = np.array_split(np.random.default_rng(seed).permutation(rows), count)
        return [self._judged_on(part) for part in held_out]

    def everything(self) -> Pairs:
        """All training samples."""
        if self._training is None:
            self._training = Pairs(self.tensor(self.samples.x_train), self._answers(self.samples.y_train))
        return self._training

    def batches(self, seed: int) -> Iterator[Pairs]:
        """One pass through the training samples, shuffled, in batches whose sizes differ by one at most.

        A short last batch would weigh its samples more, and batch normalisation cannot work on one of a single row.
        """
        x, y = self.everything()
        order = np.random.default_rng(seed).permutation(len(x))
        for rows in np.array_split(order, -(-len(x) // self.batch_size)):
            chosen = torch.as_tensor(rows, device=self.device)
            yield Pairs(x[chosen], y[chosen])

    def inputs(self, batch: Pairs) -> Tensor:
        return batch.x

    @abstractmethod
    def _answers(self, y: np.ndarray) -> Tensor:
        """Values or labels as a tensor of the type that the loss takes."""

    def _judged_on(self, held_out: np.ndarray) -> Self:
        x, y = self.samples.x_train, self.samples.y_train
        task = self.to()
        task.samples = Samples(np.delete(x, held_out, 0), np.delete(y, held_out, 0), x[held_out], y[held_out])
        return task


class RegressionTask(SupervisedTask):
    """Values to be fitted in the mean square; judged by the root mean square error on test samples.

    Args:
        samples: inputs ``(rows, ...)`` and values ``(rows, outputs)``.
        batch_size, penalty: as for :class:`SupervisedTask`.

    Raises:
        DataError: if the values are not of shape ``(rows, outputs)``.
    """

    def __init__(self, samples: Samples, batch_size: int = 256, penalty: float = 0.0) -> None:
        if samples.y_train.ndim != 2:
            raise DataError(
                f"y_train has shape {samples.y_train.shape}; a regression expects (rows, outputs): "
                "write y[:, None] if there is one output"
            )
        super().__init__(samples, batch_size, penalty)

    def residuals(self, forward: Forward, batch: Pairs) -> list[Block]:
        """One block for each output, so that a residual depends on one row; their loss is the mean square error.

        Raises:
            DataError: if the network's outputs are not of the values' shape.
        """
        outputs = forward(batch.x)
        if outputs.shape != batch.y.shape:
            raise DataError(
                f"the network's outputs have shape {tuple(outputs.shape)}; expected {tuple(batch.y.shape)}: "
                "one output for each column of y_train"
            )
        rows, columns = torch.arange(len(outputs))[:, None], outputs.shape[1]
        return [Block(f"output {j + 1}", (outputs - batch.y)[:, j], rows, 1 / columns) for j in range(columns)]

    def score(self, forward: Forward) -> Score:
        """Root mean square error over test samples and outputs."""
        error = self.predict(forward, self.samples.x_test) - self.samples.y_test
        return Score("RMSE", float(np.sqrt(np.mean(error**2))))

    def _answers(self, y: np.ndarray) -> Tensor:
        return self.tensor(y)


class ClassificationTask(SupervisedTask):
    """Labels to be told apart by cross-entropy; judged by the share of wrong answers on test samples.

    The network gives logits ``(rows, classes)``.

    Args:
        samples: inputs ``(rows, ...)`` and labels ``(rows,)``, whole numbers from 0 on.
        batch_size, penalty: as for :class:`SupervisedTask`.

    Raises:
        DataError: if the labels are not whole numbers from 0 on, of shape ``(rows,)``.
    """

    def __init__(self, samples: Samples, batch_size: int = 256, penalty: float = 0.0) -> None:
        for name, labels in (("y_train", samples.y_train), ("y_test", samples.y_test)):
            if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
                raise DataError(
                    f"{name} has type {labels.dtype} and shape {labels.shape}; a classification expects labels "
                    "of shape (rows,): whole numbers 0, 1, 2, ..., one for each class"
                )
        self.classes = 1 + int(max(samples.y_train.max(), samples.y_test.max()))
        super().__init__(samples, batch_size, penalty)

    def loss(self, forward: Forward, batch: Pairs) -> Tensor:
        """Mean cross-entropy."""
        return self._cross_entropy(forward, batch).mean()

    def residuals(self, forward: Forward, batch: Pairs) -> list[Block]:
        """Square roots of the samples' cross-entropies: any loss that is not negative is the square of its root.

        Raises:
            DataError: if the network's outputs are not of shape ``(rows, classes)``.
        """
        entropies = self._cross_entropy(forward, batch)
        # The root's slope is infinite at 0, where rounding puts the surest answers.
        roots = entropies.clamp_min(torch.finfo(entropies.dtype).tiny).sqrt()
        return [Block("cross-entropy", roots, torch.arange(len(roots))[:, None])]

    def score(self, forward: Forward) -> Score:
        """Share of test samples whose likeliest class is not their own."""
        answers = self.predict(forward, self.samples.x_test).argmax(axis=1)
        return Score("error rate", float(np.mean(answers != self.samples.y_test)))

    def predict(self, forward: Forward, x: np.ndarray) -> np.ndarray:
        """Probabilities ``(rows, classes)``, the softmax of the network's logits."""
        with torch.no_grad():
            return forward(self.tensor(x)).softmax(dim=1).cpu().numpy()

    def _cross_entropy(self, forward: Forward, batch: Pairs) -> Tensor:
        logits = forward(batch.x)
        if logits.ndim != 2 or logits.shape[1] < self.classes:
            raise DataError(
                f"the network's outputs have shape {tuple(logits.shape)}; expected ({len(batch.x)}, {self.classes}): "
                "one logit for each class"
            )
        return functional.cross_entropy(logits, batch.y, reduction="none")

    def _answers(self, y: np.ndarray) -> Tensor:
        return torch.as_tensor(y, dtype=torch.int64, device=self.device)


class Supervised(Problem):
    """A family of regressions or classifications: choose one of the two.

    Class attributes that a subclass may set:
        batch_size: rows of a mini-batch at most.
        prior: strength of the penalties of allocation and calibration against the sum of the samples' losses. Against
            their mean, which tasks minimise, it is divided by the number of samples: many outweigh it, few do not.
    """

    kind: ClassVar[type[SupervisedTask]]
    batch_size: ClassVar[int] = 256
    prior: ClassVar[float] = 0.0

    @abstractmethod
    def data(self, c: Coefficients) -> Samples:
        """Training and test samples at coefficients `c`, drawn from a random generator of their own."""

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


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim == 0 or len(array) == 0:
        raise DataError(f"{name} has shape {array.shape}; expected at least one row")
    if not np.issubdtype(array.dtype, np.number):
        raise DataError(f"{name} is of type {array.dtype}; expected numbers")
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds NaN or infinity; expected finite numbers: remove or mend those samples")
    return array
