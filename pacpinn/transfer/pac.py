"""Prune, allocate, calibrate: one network that holds a source exactly and any number of targets (Myung et al. 2022)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from pacpinn.errors import NetworkError, OrderError, PruningError
from pacpinn.networks.heads import with_head
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.runtime.isolation import existing_device, untouched
from pacpinn.solvers.base import Report, Result, silent
from pacpinn.solvers.choice import SolverChoice, get_solver
from pacpinn.tasks.task import Task
from pacpinn.transfer.allocation import allocate, allocate_gradually, frozen_base, require_deterministic
from pacpinn.transfer.from_scratch import cold_start
from pacpinn.transfer.methods import TransferMethod, allocation, calibration, penalty_strength
from pacpinn.transfer.pruning import Counts, Criterion, kept_weights
from pacpinn.transfer.trainable import Trainable

SOURCE = "source"


@dataclass(frozen=True)
class Member:
    """What :class:`PAC` has learnt: a network, and the values of its free weights ``(p,)``."""

    masked: MaskedNetwork
    z: Tensor


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
        self._members: dict[str, Member] = {}
        self._changes = 0  # of mask and base: what was begun before one is of no use after it

    def __copy__(self) -> Self:
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__ | {"_members": dict(self._members)}
        return other

    def fit(self, task: Task, solver: SolverChoice = None, report: Report = silent) -> Result:
        """Train all weights on the source task, after the easier tasks that it names.

        Args:
            task: the source.
            solver: name, configured solver, or sequence of them; by default one that suits the task.
            report: called with step and loss.
        """
        task = self._placed(task)
        with untouched():
            network = copy.deepcopy(self._network).to(device=task.device, dtype=task.dtype)
            self._source, result = cold_start(network, task, solver, self.seed, report)
        self._set_base(None)
        return result

    def prune(
        self,
        keep: float = 0.7,
        criterion: str | Criterion = "global",
        always_kept: Sequence[str] = (),
        always_free: Sequence[str] = (),
        task: Task | None = None,
    ) -> Counts:
        """Choose the weights that keep the source; the others are freed for targets. May be called again.

        Args:
            keep: kept fraction, in (0, 1).
            criterion: ``"global"`` (one magnitude threshold for the network), ``"layer"`` (one for each parameter
                tensor), ``"saliency"`` (what the loss of `task` would gain without a weight), or a function.
            always_kept, always_free: patterns of parameter names exempt from the criterion, such as ``"*.bias"``.
            task: for saliency, the source.

        Raises:
            PruningError: for a bad `keep` or criterion.
        """
        source = self._source or MaskedNetwork(self._network)
        if task is not None:
            task = self._placed(task)
            source = source.to(task.dtype, task.device)
        kept = kept_weights(source, keep, criterion, always_kept, always_free, task)
        self._source = source
        self._set_base(None, kept)
        return Counts.of(kept)

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
        source, kept = self._pruned()
        task = self._placed(task)
        with untouched():
            source, kept = source.to(task.dtype, task.device), kept.to(task.device)
            require_deterministic(source, task)
            base, result = allocate(source, kept, task, solver, penalty, self.seed, report)
        self._set_base(base)
        return result

    def prune_gradually(
        self,
        task: Task,
        keep: float = 0.7,
        rounds: int = 4,
        criterion: str | Criterion = "global",
        solver: SolverChoice = None,
        penalty: float | None = None,
        report: Report = silent,
    ) -> Counts:
        """Prune and allocate in rounds, each of which keeps the same share of what the last kept (Han et al. 2015).

        In place of :meth:`prune` and :meth:`allocate`, for small fractions kept.

        Args:
            task: the source.
            keep: fraction kept in the end, in (0, 1).
            rounds: how many, each a training of its own.
            criterion: as for :meth:`prune`.
            solver, penalty, report: as for :meth:`allocate`.

        Raises:
            PruningError: for a bad `keep`, `rounds` or criterion.
        """
        if rounds < 1:
            raise PruningError(f"rounds={rounds}; expected 1 or more")
        task = self._placed(task)
        source = self._source or MaskedNetwork(self._network)
        base = source.to(task.dtype, task.device)
        with untouched():
            require_deterministic(base, task)
            base = allocate_gradually(base, keep, rounds, criterion, task, solver, penalty, self.seed, report)
        self._source = source
        self._set_base(base)
        return Counts.of(~base.free)

    def calibrate(
        self,
        task: Task,
        name: str | None = None,
        solver: SolverChoice = None,
        penalty: float | None = None,
        start: str | None = None,
        report: Report = silent,
        head: nn.Module | None = None,
        head_at: str | None = None,
    ) -> Result:
        """Train the pruned weights on a target; everything else, buffers too, stays bit for bit as it is.

        Args:
            task: the target.
            name: what to call it; by default its coefficients, or a number for a task without.
            solver: as for :meth:`fit`.
            penalty: strength of the pull to zero; by default as the task suggests.
            start: name of the target to start from, which gives its head too; by default the source.
            report: called with step and loss.
            head: a module for other classes or outputs than the source's, such as ``nn.Linear(128, 5)``, which the
                target has to itself; by default the source's.
            head_at: name of the module that `head` replaces; by default the last one with weights to learn.

        Raises:
            OrderError: before :meth:`allocate`, or if it is to be called ``"source"``.
            NetworkError: if the head does not fit, or there is a `start` besides.
        """
        name = self._allowed(name or str(task.coefficients) or f"target {len(self._members) + 1}")
        method = self._calibration(start, head, head_at)
        task = self._placed(task)
        with untouched():
            result = method.train(task, get_solver(solver, task), penalty_strength(penalty, task), self.seed, report)
        self._members[name] = Member(method.masked, result.z)
        return result

    def to_allocate(self) -> Trainable:
        """The kept weights as a module for a training loop of your own, in place of :meth:`allocate`.

        Train it on the source, its :meth:`Trainable.penalty` added to the loss, and give it to :meth:`adopt`.

        Raises:
            OrderError: before :meth:`prune`.
        """
        source, kept = self._pruned()
        self._set_base(None, kept)
        return Trainable(allocation(source, kept), self._changes)

    def to_calibrate(
        self, start: str | None = None, head: nn.Module | None = None, head_at: str | None = None
    ) -> Trainable:
        """The pruned weights as a module for a training loop of your own, in place of :meth:`calibrate`.

        Args:
            start, head, head_at: as for :meth:`calibrate`.

        Raises:
            OrderError: before :meth:`allocate`.
            NetworkError: if the head does not fit, or there is a `start` besides.
        """
        return Trainable(self._calibration(start, head, head_at), self._changes)

    def adopt(self, trained: Trainable, name: str | None = None) -> None:
        """Take over what a loop of your own has trained: the allocated source, or a target.

        Args:
            trained: from :meth:`to_allocate` or :meth:`to_calibrate`.
            name: what to call a target; by default a number.

        Raises:
            OrderError: if the network was pruned or allocated anew since, or a target is to be called ``"source"``.
        """
        masked, z = trained.masked, trained.z.detach().clone()
        if trained.since != self._changes:
            raise OrderError("the network was pruned or allocated anew since: train a new module on it as it is now")
        if self._base is None:
            self._set_base(frozen_base(masked, z))
        else:
            self._members[self._allowed(name or f"target {len(self._members) + 1}")] = Member(masked, z)

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
        return [SOURCE, *self._members]

    def network(self, name: str = "source") -> nn.Module:
        """An independent module with plain state-dict keys: ``"source"`` or a calibrated target.

        Raises:
            OrderError: if there is no such target yet.
        """
        member = self._member(name)
        return member.masked.module(member.z)

    def _pruned(self) -> tuple[MaskedNetwork, Tensor]:
        kept = self._kept if self._base is None else ~self._base.free
        if self._source is None or kept is None:
            raise OrderError("allocate needs a pruned network: call prune(keep=...) first")
        return self._source, kept.to(self._source.weights.device)

    def _member(self, name: str) -> Member:
        if name == SOURCE:
            return Member(self.base, self.base.start)
        if name not in self._members:
            raise OrderError(f"{name!r} is not calibrated; there are: {', '.join(self.names)}")
        return self._members[name]

    def _calibration(self, start: str | None, head: nn.Module | None, at: str | None) -> TransferMethod:
        """From the source, with its head or a new one, or from a target and its head."""
        if start is None:
            return calibration(self.base if head is None else with_head(self.base, head, at))
        if head is not None:
            raise NetworkError(
                f"a target that starts at another, here {start!r}, has its head: leave out one of the two"
            )
        before = self._member(start)
        return calibration(before.masked, before.z)

    def _allowed(self, name: str) -> str:
        if name == SOURCE:
            raise OrderError("the name 'source' is taken by the allocated network; call the target something else")
        return name

    def _placed(self, task: Task) -> Task:
        """The task where this network computes; the first task decides what was left open."""
        self.dtype, self.device = self.dtype or task.dtype, self.device or task.device
        return task.to(self.dtype, self.device)

    def _set_base(self, base: MaskedNetwork | None, kept: Tensor | None = None) -> None:
        """Begin anew with a base, which knows what it keeps, or with what one is to keep."""
        self._base, self._kept, self._members = base, kept, {}
        self._changes += 1
