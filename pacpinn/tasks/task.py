"""What a solver and a score need to know of a task, and no more.

A task never sees weights. It is given ``forward``, a function from inputs ``(rows, inputs)`` to outputs
``(rows, outputs)``, and answers with a loss, residuals or a score.
"""

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

Forward = Callable[[Tensor], Tensor]
Batch = Any  # what one call of loss or residuals works on: collocation points, or samples


@dataclass(frozen=True)
class Score:
    """How good a network is at a task, judged on data that training never saw. Lower is better."""

    name: str
    value: float


@dataclass(frozen=True)
class Block:
    """The residuals of one equation or condition, or of one set of samples.

    Args:
        name: for messages and histories.
        values: residuals ``(n,)``; of several targets together ``(targets, n)``.
        rows: ``(n, k)``, the input rows that each residual depends on through the network. Most residuals
            depend on one row; a periodic condition pairs two. None if residuals mix rows in other ways.
        weight: factor of the block's mean square in the loss.
    """

    name: str
    values: Tensor
    rows: Tensor | None = None
    weight: float = 1.0

    @property
    def scaled(self) -> Tensor:
        """Residuals whose plain sum of squares is the block's weighted mean square."""
        return self.values * (self.weight / self.values.shape[-1]) ** 0.5


class Task(ABC):
    """One problem at fixed coefficients: what one network is trained and judged on.

    Attributes:
        coefficients: the task's place in its family.
        tolerance: root mean square residual on fresh points at which the task counts as solved. None for data,
            which can be fitted but not solved.
        lead: leading shape of what is computed by target: none for one task, ``(targets,)`` for several together.
        dtype, device: where the task's tensors live; :meth:`to` moves them.
    """

    coefficients: Coefficients = Coefficients()
    tolerance: float | None = None
    lead: tuple[int, ...] = ()
    dtype: torch.dtype = torch.float32
    device: torch.device = torch.device("cpu")

    def to(self, dtype: torch.dtype | None = None, device: str | torch.device | None = None) -> Self:
        """The same task with its tensors of another dtype or on another device."""
        other = copy.copy(self)
        other.dtype = self.dtype if dtype is None else dtype
        other.device = self.device if device is None else existing_device(device)
        return other

    @property
    def penalty(self) -> float:
        """Strength of the penalties of allocation and calibration that suits the task."""
        return 0.0

    @property
    def warm_up(self) -> int:
        """Steps of Adam with which training from scratch begins, if the choice of solver is left open."""
        return 0

    def easier(self) -> Sequence[Task]:
        """Tasks to solve first, one after the other, in training from scratch. By default none."""
        return ()

    def again(self) -> Sequence[Task]:
        """The same task on other points, to go on with in training from scratch until solved. By default none."""
        return ()

    def seen_by(self, forward: Forward) -> Task:
        """The task as training from scratch goes on with it from the network `forward`. By default as it is."""
        return self

    @abstractmethod
    def everything(self) -> Batch:
        """All training points or samples as one batch."""

    def batches(self, seed: int) -> Iterator[Batch]:
        """One pass through the training data. By default everything at once."""
        yield self.everything()

    def fresh(self, seed: int) -> Batch:
        """Points that training does not see, to check the residual on. By default there are none but the training's."""
        return self.everything()

    def validation(self, forward: Forward) -> Tensor | None:
        """Scalar loss on what is set aside to tell when to stop, never trained on. None, the default, without such."""
        return None

    def folds(self, count: int = 5, seed: int = 0) -> Sequence[Self]:
        """Tasks that train on parts of the data, each validated on the rest. By default the task itself, once."""
        return [self]

    @abstractmethod
    def loss(self, forward: Forward, batch: Batch) -> Tensor:
        """Scalar training loss of the network `forward` on `batch`."""

    @abstractmethod
    def score(self, forward: Forward) -> Score | None:
        """The task's own metric on data or a reference that training never saw; None without such."""

    def predict(self, forward: Forward, x: np.ndarray) -> np.ndarray:
        """Answers at points `x` ``(rows, inputs)``: values ``(rows, outputs)``; NumPy in, NumPy out."""
        with torch.no_grad():
            return named_inputs(forward)(self.tensor(x)).cpu().numpy()

    def tensor(self, values: Any) -> Tensor:
        """`values` as a tensor of the task's dtype on its device."""
        return torch.as_tensor(np.asarray(values), dtype=self.dtype, device=self.device)


def named_inputs(forward: Forward) -> Forward:
    """The network `forward`, that says so if it does not take its inputs, in place of torch's own message.

    It raises :class:`DataError` then.
    """

    def answers(x: Tensor) -> Tensor:
        try:
            return forward(x)
        except (PacpinnError, torch.cuda.OutOfMemoryError):
            raise
        except (RuntimeError, ValueError, IndexError) as problem:
            given = f"the network does not take inputs of shape {tuple(x.shape)}: {problem}"
            raise DataError(f"{given}; expected the shape the source has, or a network made for these") from problem

    return answers


class LeastSquaresTask(Task):
    """A task whose loss is a sum of squares: what Levenberg-Marquardt works on."""

    def only(self, places: Sequence[int]) -> LeastSquaresTask:
        """Of several targets together those at some places; a task by itself is the only one."""
        return self

    @abstractmethod
    def inputs(self, batch: Batch) -> Tensor:
        """The rows ``(rows, inputs)`` on which :meth:`residuals` calls ``forward``, exactly once."""

    @property
    def size(self) -> int:
        """Number of rows of :meth:`everything`, by which its need of memory is known before they are there."""
        return len(self.inputs(self.everything()))

    def few(self, count: int) -> Batch | None:
        """A batch of the same kind with about `count` rows, to try out what it takes; None if there is none."""
        return None

    @abstractmethod
    def residuals(self, forward: Forward, batch: Batch) -> list[Block]:
        """Residual blocks of the network `forward` on `batch`."""

    def loss(self, forward: Forward, batch: Batch) -> Tensor:
        """Sum over the blocks of weight times mean square: a scalar, or one for each of several targets together."""
        return torch.stack([block.scaled.square().sum(-1) for block in self.residuals(forward, batch)]).sum(0)
