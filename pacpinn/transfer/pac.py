"""Prune, allocate, calibrate: one network that keeps a source exactly and learns any number of targets."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from torch import nn

from pacpinn.errors import OrderError, PruningError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Report, Result, silent
from pacpinn.solvers.choice import SolverChoice
from pacpinn.tasks.task import Task
from pacpinn.transfer.allocation import allocate, allocate_gradually, frozen_base, require_deterministic
from pacpinn.transfer.from_scratch import cold_start
from pacpinn.transfer.methods import allocation
from pacpinn.transfer.pac_state import Member, PACState
from pacpinn.transfer.pruning import Counts, Criterion, kept_weights
from pacpinn.transfer.trainable import Trainable


class PAC(PACState):
    """Prune-allocate-calibrate (PAC-Net, Myung et al., ICML 2022) over any torch module and any task.

    The steps are :meth:`fit` (not needed for a trained network), :meth:`prune`, :meth:`allocate`, then
    :meth:`calibrate` once for each target. The given module is copied and never changed.

    Args:
        network: any torch module; parameters with ``requires_grad=False`` are left alone.
        dtype, device: of the computation; by default those of the first task.
        seed: seed of mini-batches and dropout.

    Example:
        >>> pac = PAC(net)
        >>> pac.fit(source)
        >>> pac.prune(keep=0.7)
        >>> pac.allocate(source)
        >>> pac.calibrate(target, name="nu=0.01")
        >>> pac.network("nu=0.01")
    """

    __module__ = "pacpinn"  # pickles name it: the public name stays wherever the class lies

    def fit(self, task: Task, solver: SolverChoice = None, report: Report = silent) -> Result:
        """Train all weights on the source task, after the easier tasks that it states.

        Args:
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
        """Choose the weights that keep the source, and free the others for targets. May be called again.

        Args:
            keep: kept fraction, in (0, 1).
            criterion: ``"global"`` (one magnitude threshold for the network), ``"layer"`` (one for each parameter
                tensor), ``"saliency"`` (what the loss of `task` would gain without the weight), or a function.
            always_kept, always_free: patterns of names of parameters exempt from the criterion, such as ``"*.bias"``.
            task: for saliency, the source.
        """
        source = self._trained
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
        """Retrain the kept weights on the source, with the pruned ones at zero; targets learnt earlier are dropped.

        Args:
            solver, report: as for :meth:`fit`.
            penalty: strength of the pull to the source's weights; by default as the task suggests.

        Raises:
            OrderError: before :meth:`prune`.
        """
        source, kept = self._pruned()
        task = self._placed(task)
        with untouched():
            source = _where_task_computes(source, task)
            base, result = allocate(source, kept.to(task.device), task, solver, penalty, self.seed, report)
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
        """Prune and allocate in rounds that all keep the same share of the weights still kept (Han et al. 2015).

        It replaces :meth:`prune` and :meth:`allocate`, whose arguments it takes, if a small fraction is kept.

        Args:
            keep: fraction kept after the last round, in (0, 1).
            rounds: their number; every round is a training.
        """
        if rounds < 1:
            raise PruningError(f"rounds={rounds}; expected 1 or more")
        task = self._placed(task)
        source = self._trained
        with untouched():
            base = _where_task_computes(source, task)
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
        """Train the pruned weights on a target; all else stays bit for bit as it is, buffers too.

        Args:
            name: of the target; by default its coefficients, or a number for a task without coefficients.
            solver, report: as for :meth:`fit`.
            penalty: strength of the pull to zero; by default as the task suggests.
            start: name of the target to start from, with its head; by default the source.
            head: a module for other classes or outputs than the source's, such as ``nn.Linear(128, 5)``, for this
                target alone; by default the source's.
            head_at: name of the module that `head` replaces; by default the last one with weights to learn.

        Raises:
            OrderError: before :meth:`allocate`, or for the name ``"source"``.
            NetworkError: if the head does not fit, or both `head` and `start` are given.
        """
        name = self._new_name(name or str(task.coefficients))
        method = self._calibration(start, head, head_at)
        task = self._placed(task)
        with untouched():
            result = method.train(task, solver, penalty, self.seed, report)
        self._members[name] = Member(method.masked, result.z)
        return result

    def to_allocate(self) -> Trainable:
        """The kept weights as a module for a training loop of your own, in place of :meth:`allocate`.

        Train it on the source, its :meth:`Trainable.penalty` added to the loss, and give it to :meth:`adopt`.
        """
        source, kept = self._pruned()
        self._set_base(None, kept)
        return Trainable(allocation(source, kept), self._changes)

    def to_calibrate(
        self, start: str | None = None, head: nn.Module | None = None, head_at: str | None = None
    ) -> Trainable:
        """The pruned weights as a module for a training loop of your own, in place of :meth:`calibrate`."""
        return Trainable(self._calibration(start, head, head_at), self._changes)

    def adopt(self, trained: Trainable, name: str | None = None) -> None:
        """Take over the weights that a loop of your own has trained: the allocated source, or a target.

        Args:
            trained: from :meth:`to_allocate` or :meth:`to_calibrate`.
            name: of a target; by default a number.

        Raises:
            OrderError: if the network was pruned or allocated after `trained` was made, or for the name ``"source"``.
        """
        masked, z = trained.masked, trained.z.detach().clone()
        if trained.since != self._changes:
            raise OrderError("the network was pruned or allocated anew since: train a new module on it as it is now")
        if self._base is None:
            self._set_base(frozen_base(masked, z))
        else:
            self._members[self._new_name(name)] = Member(masked, z)

    def _placed(self, task: Task) -> Task:
        """The task in this network's dtype on its device; the first task decides those that were not given."""
        self.dtype, self.device = self.dtype or task.dtype, self.device or task.device
        return task.to(self.dtype, self.device)


def _where_task_computes(source: MaskedNetwork, task: Task) -> MaskedNetwork:
    """The source in the task's dtype on its device; refused if it is not deterministic."""
    source = source.to(task.dtype, task.device)
    require_deterministic(source, task)
    return source
