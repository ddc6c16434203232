"""The memory that a solve will need, extrapolated from trials on few points; what cannot fit is refused at once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from pacpinn.errors import NotEnoughMemory
from pacpinn.networks.objective import Objective
from pacpinn.networks.per_row_gradients import LinearLayerGradients, per_row_gradients_kind
from pacpinn.runtime.memory import available_memory
from pacpinn.tasks.task import Batch, LeastSquaresTask

_FEW = 32  # points of the first trial; the second has twice as many
_SMALL = 2**9  # bytes for each point and weight: with so many available, a solve needs no trial


@dataclass(frozen=True)
class Footprint:
    """The sizes that determine a solver's memory."""

    points: int  # rows of the training batch
    weights: int  # free ones
    residuals: float = 1.0  # for each point
    pass_bytes: float = 0.0  # kept by a forward pass for its backward pass, for each point
    factored: bool = False  # whether the Jacobian can be kept in factors

    @property
    def gradient_bytes(self) -> float:
        """Memory of a gradient of the loss: one forward and backward pass."""
        return 2.5 * self.points * self.pass_bytes

    @classmethod
    def of(cls, objective: Objective) -> Footprint:
        """The sizes for an objective, from two trials on few points: they grow in proportion to the points."""
        task, masked = objective.task, objective.masked
        assert isinstance(task, LeastSquaresTask)
        sizes = cls(task.size, len(masked.start))
        few = task.few(_FEW)
        if few is None:
            return sizes
        task.residuals(objective.forward(masked.start), few)  # the first evaluation may find sizes, once for all others
        fewer, more = (_trial(objective, task, batch) for batch in (few, task.few(2 * _FEW)))
        if fewer == more:  # the task has no more than these few points
            fewer = (0, 0, 0)
        points, residuals, kept = (b - a for a, b in zip(fewer, more, strict=True))
        factored = per_row_gradients_kind(masked, task.inputs(few)) is LinearLayerGradients
        return replace(sizes, residuals=max(1.0, residuals / points), pass_bytes=kept / points, factored=factored)


@runtime_checkable
class Sized(Protocol):
    """A solver that states the memory it needs."""

    def bytes_needed(self, footprint: Footprint) -> float:
        """Bytes beyond those that the process holds before the solve."""


def require_memory(objective: Objective, solver: object) -> None:
    """Refuse, by :class:`NotEnoughMemory`, a solve that cannot fit into the available memory; name sizes that would."""
    task, weights = objective.task, objective.masked.weights
    if not isinstance(solver, Sized) or not isinstance(task, LeastSquaresTask):
        return
    available = available_memory(weights.device)
    if task.size * len(weights) * _SMALL <= available:
        return

    def fits(footprint: Footprint) -> bool:
        return solver.bytes_needed(footprint) <= available

    footprint = Footprint.of(objective)
    if fits(footprint):
        return
    points = _largest(lambda n: fits(replace(footprint, points=n)), footprint.points)
    free = _largest(lambda n: fits(replace(footprint, weights=n)), footprint.weights)
    fitting = [f"at most {points:,} points fit with its {footprint.weights:,} free weights"] * (points > 0)
    fitting += [f"at most {free:,} free weights with these points"] * (free > 0)
    needed, limit = (count / 2**30 for count in (solver.bytes_needed(footprint), available))
    raise NotEnoughMemory(
        f"solving {task.coefficients or type(task).__name__} on {footprint.points:,} points with "
        f"{type(solver).__name__} needs about {needed:,.1f} GiB of memory; expected at most the available "
        f"{limit:,.1f} GiB: " + (", or ".join(fitting) or "not even one point fits: take a smaller network")
    )


def _trial(objective: Objective, task: LeastSquaresTask, batch: Batch) -> tuple[int, int, int]:
    """The numbers of points, of residuals, and of bytes that their evaluation keeps for a backward pass."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    z = objective.masked.start.requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        blocks = task.residuals(objective.forward(z), batch)
    return len(task.inputs(batch)), sum(block.values.numel() for block in blocks), sum(kept.values())


def _largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest whole number below `most` that fits; 0 if there is none."""
    return bisect_left(range(1, most), True, key=lambda count: not fits(count))
