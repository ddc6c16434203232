"""Prune, allocate, calibrate: one network that holds a source exactly and any number of targets (Myung et al. 2022)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pacpinn.cold_start import cold_start
from pacpinn.errors import OrderError
from pacpinn.isolation import existing_device, untouched
from pacpinn.masked import MaskedNetwork
from pacpinn.methods import allocation, calibration
from pacpinn.pruning import Criterion, kept_weights
from pacpinn.solvers import Report, Result, SolverChoice, get_solver, silent
from pacpinn.task import Task


@dataclass(frozen=True)
class Counts:
    """How many weights a pruned network keeps for the source and frees for targets."""

    kept: int
    free: int

    def __str__(self) -> str:
        total = self.kept + self.free
        return f"{self.kept:,} of {total:,} weights kept ({self.kept / total:.0%}), {self.free:,} free"


class PAC:
    """Prune-allocate-calibrate over any torch module and any task.

    The steps are :meth:`fit` (left out for a network that is trained already), :meth:`prune`, :meth:`allocate`, then
    :meth:`calibrate` once for each target. The module given is copied and never changed.

    Args:
        network: any torch module; parameters with ``requires_grad=False`` are left alone.
        dtype, device: where to compute; by default as the first task says.
        seed: seed of mini-batches and dropout.

    Example:
        >>> pac = PAC(net)
        >>> pac.fit(source)
        >>> pac.prune(keep=0.7)
        >>> pac.allocate(source)
        >>> pac.calibrate(target, name="nu=0.01")
        >>> pac.network("nu=0.01")
    """

    def __init__(
        self,
        network: nn.Module,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
        seed: int = 0,
    ) -> None:
        self.dtype = dtype
        self.device = None if device is None else existing_device(device)
        self.seed = seed
        self._network = copy.deepcopy(network)
        self._source: MaskedNetwork | None = None
        self._kept: Tensor | None = None
        self._base: MaskedNetwork | None = None
        self._members: dict[str, Tensor] = {}

    def fit(self, task: Task, solver: SolverChoice = None, report: Report = silent) -> Result:
        """Train all weights on the source task, after the easier tasks that it names.

        Args:
            task: the source.
            solver: name, configured solver, or sequence of them; by default one that suits the task.
            report: called with step and loss.
        """
        task = self._placed(task)
        with untouched():
            network = self._network.to(device=task.device, dtype=task.dtype)
            self._source, result = cold_start(network, task, solver, self.seed, report)
        self._forget_pruning()
        return result

    def prune(
        self,
        keep: float = 0.7,
        criterion: str | Criterion = "global",
        always_kept: Sequence[str] = (),
        always_free: Sequence[str] = (),
    ) -> Counts:
        """Choose the weights that keep the source; the others are freed for targets. May be called again.

        Args:
            keep: kept fraction, in (0, 1).
            criterion: ``"global"`` (one magnitude threshold for the network), ``"layer"`` (one for each parameter
                tensor), or a function.
            always_kept, always_free: patterns of parameter names exempt from the criterion, such as ``"*.bias"``.

        Raises:
            PruningError: for a bad `keep` or criterion.
        """
        source = self._source or MaskedNetwork(copy.deepcopy(self._network))
        kept = kept_weights(source, keep, criterion, always_kept, always_free)
        self._forget_pruning()
        self._source, self._kept = source, kept
        return Counts(int(kept.sum()), int((~kept).sum()))

    def allocate(
        self, task: Task, solver: SolverChoice = None, penalty: float | None = None, report: Report = silent
    ) -> Result:
        """Retrain the kept weights on the source, the pruned ones held at zero; earlier targets are forgotten.

        Args:
            task: the source.
            solver: as for :meth:`fit`.
            penalty: strength of the pull to the source's weights; by default as the task suggests.
            report: called with step and loss.

        Raises:
            OrderError: before :meth:`prune`.
        """
        if self._source is None or self._kept is None:
            raise OrderError("allocate needs a pruned network: call prune(keep=...) first")
        task = self._placed(task)
        with untouched():
            source, kept = self._source.to(task.dtype, task.device), self._kept.to(task.device)
            self._base, result = allocated(source, kept, task, solver, penalty, self.seed, report)
        self._members = {}
        return result

    def calibrate(
        self,
        task: Task,
        name: str | None = None,
        solver: SolverChoice = None,
        penalty: float | None = None,
        start: str | None = None,
        report: Report = silent,
    ) -> Result:
        """Train the pruned weights on a target; everything else, buffers too, stays bit for bit as it is.

        Args:
            task: the target.
            name: what to call it; by default its coefficients, or a number for a task without.
            solver: as for :meth:`fit`.
            penalty: strength of the pull to zero; by default as the task suggests.
            start: name of the target to start from; by default the source.
            report: called with step and loss.

        Raises:
            OrderError: before :meth:`allocate`, or if it is to be called ``"source"``.
        """
        base = self.base
        name = name or str(task.coefficients) or f"target {len(self._members) + 1}"
        if name == "source":
            raise OrderError("the name 'source' is taken by the allocated network; call the target something else")
        task = self._placed(task)
        begin = None if start is None else self._free_weights(start)
        with untouched():
            method = calibration(base, begin)
            result = method.train(task, get_solver(solver, task), strength(penalty, task), self.seed, report)
        self._members[name] = result.z
        return result

    @property
    def base(self) -> MaskedNetwork:
        """The pruned and allocated network, its pruned weights free and at zero."""
        if self._base is None:
            missing = "prune(keep=...) and then allocate(source)" if self._kept is None else "allocate(source)"
            raise OrderError(f"there is no allocated network yet: call {missing} first")
        return self._base

    @property
    def names(self) -> list[str]:
        """Everything :meth:`network` can give: ``"source"``, then the targets in the order of their calibration."""
        return ["source", *self._members]

    def network(self, name: str = "source") -> nn.Module:
        """An independent module with plain state-dict keys: ``"source"`` or a calibrated target.

        Raises:
            OrderError: if there is no such target yet.
        """
        return self.base.module(self._free_weights(name))

    def _free_weights(self, name: str) -> Tensor:
        if name == "source":
            return self.base.start
        if name not in self._members:
            raise OrderError(f"{name!r} is not calibrated; there are: {', '.join(self.names)}")
        return self._members[name]

    def _placed(self, task: Task) -> Task:
        """The task where this network computes; the first task decides what was left open."""
        self.dtype, self.device = self.dtype or task.dtype, self.device or task.device
        return task.to(self.dtype, self.device)

    def _forget_pruning(self) -> None:
        self._kept = self._base = None
        self._members = {}


def allocated(
    source: MaskedNetwork,
    kept: Tensor,
    task: Task,
    solver: SolverChoice,
    penalty: float | None,
    seed: int,
    report: Report,
) -> tuple[MaskedNetwork, Result]:
    """The source with its `kept` weights retrained alone, the others at zero and free from here on."""
    method = allocation(source, kept)
    result = method.train(task, get_solver(solver, task), strength(penalty, task), seed, report)
    return method.masked.with_mask(~kept, True, method.masked.merge(result.z)), result


def strength(penalty: float | None, task: Task) -> float:
    """The penalty's strength: as asked, or as the task suggests."""
    return task.penalty if penalty is None else penalty
