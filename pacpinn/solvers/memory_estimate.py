"""What a solve will need in memory, told by a trial on a few points; too much of it is refused before any work."""

from __future__ import annotations

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

_FEW = 32  # points of a trial, and twice as many of the second
_SMALL = 2**9  # bytes for each point and weight: where so many are there, a solve needs no trial


@dataclass(frozen=True)
class Footprint:
    """The sizes that a solver's memory follows from.

    Attributes:
        points: rows of the training batch.
        weights: free weights.
        residuals: for each point.
        pass_bytes: what a forward pass keeps for its backward pass, for each point.
        factored: whether the Jacobian can be kept in factors.
    """

    points: int
    weights: int
    residuals: float = 1.0
    pass_bytes: float = 0.0
    factored: bool = False

    @classmethod
    def of(cls, objective: Objective) -> Footprint:
        """By trials on few points, from which all else is a matter of proportion."""
        task, masked = objective.task, objective.masked
        assert isinstance(task, LeastSquaresTask)
        sizes = cls(task.size, len(masked.start))
        few = task.few(_FEW)
        if few is None:
            return sizes
        trials = [_trial(objective, task, batch) for batch in (few, task.few(2 * _FEW))]
        none = (0, 0, 0)  # of a task with no more than those few points
        fewer, more = trials if trials[0] != trials[1] else (none, trials[0])
        points, residuals, kept = (b - a for a, b in zip(fewer, more, strict=True))
        factored = per_row_gradients_kind(masked, task.inputs(few)) is LinearLayerGradients
        return replace(sizes, residuals=max(1.0, residuals / points), pass_bytes=kept / points, factored=factored)


@runtime_checkable
class Sized(Protocol):
    """A solver that knows what it needs."""

    def bytes_needed(self, footprint: Footprint) -> float:
        """Memory beyond what the process holds before the solve."""
        ...


def require_memory(objective: Objective, solver: object) -> None:
    """Refuse a solve that cannot fit.

    Raises:
        NotEnoughMemory: with the sizes that would fit.
    """
    task, weights = objective.task, objective.masked.weights
    if not isinstance(solver, Sized) or not isinstance(task, LeastSquaresTask):
        return
    there = available_memory(weights.device)
    if task.size * len(weights) * _SMALL <= there:
        return
    footprint = Footprint.of(objective)
    needed = solver.bytes_needed(footprint)
    if needed <= there:
        return

    def fits(other: Footprint) -> bool:
        return solver.bytes_needed(other) <= there

    points = _largest(lambda n: fits(replace(footprint, points=n)), footprint.points)
    free = _largest(lambda n: fits(replace(footprint, weights=n)), footprint.weights)
    ways = [f"at most {points:,} points fit with its {footprint.weights:,} free weights"] * (points > 0)
    ways += [f"at most {free:,} free weights with these points"] * (free > 0)
    raise NotEnoughMemory(
        f"solving {task.coefficients or type(task).__name__} on {footprint.points:,} points with "
        f"{type(solver).__name__} needs about {_gigabytes(needed)} of memory, and {_gigabytes(there)} are there; "
        + (", or ".join(ways) or "not even one point fits: take a smaller network")
    )


def _trial(objective: Objective, task: LeastSquaresTask, batch: Batch) -> tuple[int, int, int]:
    """Points, residuals, and bytes that their evaluation keeps for a backward pass."""
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
    """The largest whole number below `most` that fits, by bisection; 0 if there is none."""
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _gigabytes(count: float) -> str:
    return f"{count / 2**30:,.1f} GiB"
