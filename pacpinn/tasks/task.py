"""The interface of a task: losses, residuals and scores of a network ``forward``, whose weights a task never sees."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from pacpinn.errors import DataError, PacpinnError
from pacpinn.runtime.isolation import existing_device
from pacpinn.tasks.coefficient import Coefficients

_NOTHING = 1e-9  # relative: a variation that is rounding

Forward = Callable[[Tensor], Tensor]  # a network: inputs (rows, inputs) to outputs (rows, outputs)
Batch = Any  # collocation points or samples, for one call of loss or residuals


@dataclass(frozen=True)
class Score:
    """An error of a network at a task, measured on data that training never saw. Lower is better."""

    name: str
    value: float


@dataclass(frozen=True)
class Block:
    """The residuals of one equation or condition, or of one set of samples.

    Args:
        name: for messages and histories.
        values: residuals ``(n,)``; of several targets together ``(targets, n)``.
        rows: ``(n, k)``, the input rows on which each residual depends through the network. Most residuals depend on
            one row; a periodic condition pairs two. None if residuals mix rows in other ways.
        weight: factor of the block's mean square in the loss.
    """

    name: str
    values: Tensor
    rows: Tensor | None = None
    weight: float = 1.0

    @property
    def scaled(self) -> Tensor:
        """Residuals whose sum of squares is the block's weighted mean square."""
        return self.values * (self.weight / self.values.shape[-1]) ** 0.5


class Task(ABC):
    """One problem at fixed coefficients, on which a network is trained and scored.

    Attributes:
        coefficients: of the task in its family.
        tolerance: root mean square residual on fresh points at which the task counts as solved. None for data, which
            can be fitted but not solved.
        lead: leading shape of values by target: none for one task, ``(targets,)`` for several tasks together.
        dtype, device: of the task's tensors; :meth:`to` changes them.
    """

    coefficients: Coefficients = Coefficients()
    tolerance: float | None = None
    lead: tuple[int, ...] = ()
    dtype: torch.dtype = torch.float32
    device: torch.device = torch.device("cpu")

    def to(self, dtype: torch.dtype | None = None, device: str | torch.device | None = None) -> Self:
        """The same task with its tensors of another dtype or on another device."""
        other = copy.copy(self)
        other.dtype = dtype or self.dtype
        other.device = self.device if device is None else existing_device(device)
        return other

    @property
    def penalty(self) -> float:
        """Default strength of the penalties of allocation and calibration for the task."""
        return 0.0

    @property
    def warm_up(self) -> int:
        """Steps of Adam with which training from scratch begins, unless a solver is chosen."""
        return 0

    def easier(self) -> Sequence[Task]:
        """Easier tasks, which training from scratch solves first, one after the other. None by default."""
        return ()

    def redrawn(self, forward: Forward, turn: int) -> Task | None:
        """The task on other training points, chosen by the residuals of the network `forward`.

        The `turn` counts such draws from 1. None, as by default, if no other points are to be drawn.
        """
        return None

    def seen_by(self, forward: Forward) -> Task:
        """The task adapted to the network `forward`, from which training from scratch continues. By default itself."""
        return self

    @abstractmethod
    def everything(self) -> Batch:
        """All training points or samples as one batch."""

    def batches(self, seed: int) -> Iterator[Batch]:
        """One pass through the training data. By default :meth:`everything` as one batch."""
        yield self.everything()

    def fresh(self, seed: int) -> Batch:
        """Points for checking the residual that training does not see. By default :meth:`everything`."""
        return self.everything()

    @property
    def estimable(self) -> bool:
        """Whether the residual on :meth:`error_points` tells the error of a solution. By default it does not."""
        return False

    def validation(self, forward: Forward) -> Tensor | None:
        """Scalar loss on data set aside to decide when to stop. By default None: there are no such data."""
        return None

    def folds(self, count: int = 5, seed: int = 0) -> Sequence[Self]:
        """Tasks that train on parts of the data, each validated on the rest. By default the task itself, once."""
        return [self]

    @abstractmethod
    def loss(self, forward: Forward, batch: Batch) -> Tensor:
        """Scalar training loss of the network `forward` on `batch`."""

    @abstractmethod
    def score(self, forward: Forward) -> Score | None:
        """The task's own error on data or a reference that training never saw; None if there is neither."""

    def predict(self, forward: Forward, x: np.ndarray) -> np.ndarray:
        """Values ``(rows, outputs)`` at points `x` ``(rows, inputs)``; NumPy in, NumPy out."""
        with torch.no_grad():
            return named_inputs(forward)(self.tensor(x)).cpu().numpy()

    def tensor(self, values: Any) -> Tensor:
        """`values` as a tensor of the task's dtype on its device."""
        return torch.as_tensor(np.asarray(values), dtype=self.dtype, device=self.device)


def named_inputs(forward: Forward) -> Forward:
    """The network `forward`, which then raises a :class:`DataError` for inputs of a wrong shape."""

    def outputs(x: Tensor) -> Tensor:
        try:
            return forward(x)
        except (PacpinnError, torch.cuda.OutOfMemoryError):
            raise
        except (RuntimeError, ValueError, IndexError) as problem:
            raise DataError(
                f"the network does not take inputs of shape {tuple(x.shape)}: {problem}; expected the shape that the "
                "source has, or a network made for these inputs"
            ) from problem

    return outputs


class LeastSquaresTask(Task):
    """A task whose loss is a sum of squared residuals, as Levenberg-Marquardt needs it."""

    def only(self, places: Sequence[int]) -> LeastSquaresTask:
        """The targets at these places of several together, as one task; a single task as it is."""
        return self

    @abstractmethod
    def inputs(self, batch: Batch) -> Tensor:
        """The rows ``(rows, inputs)`` on which :meth:`residuals` calls ``forward``, exactly once."""

    @property
    def size(self) -> int:
        """Number of rows of :meth:`everything`, to estimate the memory they need before they are made."""
        return len(self.inputs(self.everything()))

    def few(self, count: int) -> Batch | None:
        """A batch of the same kind with about `count` rows, to measure the memory it needs; None if there is none."""
        return None

    def error_points(self, forward: Forward, more: int, least: int) -> tuple[Batch, Batch]:
        """Two sets of points, unseen by training, by which to find the error of the solution `forward`, and judge it.

        About `more` times as many as training has, but `least` inside the domain at least. Of :attr:`estimable` tasks.
        """
        raise NotImplementedError

    def error_grid(self) -> np.ndarray:
        """Points ``(rows, inputs)`` over which the size of an error is taken; of :attr:`estimable` tasks."""
        raise NotImplementedError

    def yardstick(self, values: np.ndarray) -> np.ndarray:
        """What errors of each output are relative to ``(outputs,)``, for the solution's `values` ``(rows, outputs)``.

        The root mean square about the mean over the rows; that of the values where this is next to nothing.
        """
        variation, size = np.std(values, axis=0), np.sqrt(np.mean(np.square(values), axis=0))
        return np.where(variation > _NOTHING * size, variation, np.where(size > 0, size, 1.0))

    @abstractmethod
    def residuals(self, forward: Forward, batch: Batch) -> list[Block]:
        """Residual blocks of the network `forward` on `batch`."""

    def loss(self, forward: Forward, batch: Batch) -> Tensor:
        """Sum over the blocks of weight times mean square: a scalar, or ``(targets,)`` for several targets."""
        return torch.stack([block.scaled.square().sum(-1) for block in self.residuals(forward, batch)]).sum(0)
