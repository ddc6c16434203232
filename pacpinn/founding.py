"""How a transfer method makes a family's base of a trained network: which weights stay, which are free for targets."""

from __future__ import annotations

from collections.abc import Callable

import torch

from pacpinn.allocation import allocated
from pacpinn.errors import PacpinnError
from pacpinn.masked import MaskedNetwork
from pacpinn.methods import last_layer
from pacpinn.pruning import kept_weights
from pacpinn.settings import Settings
from pacpinn.solvers import Report, Result
from pacpinn.task import Task

Founding = tuple[MaskedNetwork, list[Result]]


def found(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> Founding:
    """A base by the method that the settings name.

    Args:
        source: a network trained on `task`, all of its weights free.
        task: the source, or where a further base is to be.
        settings: the method, and what belongs to it.
        report: called with step and loss.

    Returns:
        The base, its free weights at the values at which it solves `task`, and what solving it took.
    """
    return METHODS[settings.method](source, task, settings, report)


def prune_and_allocate(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> Founding:
    """PAC: the kept weights hold the source, the others are free (Myung et al. 2022)."""
    kept = kept_weights(source, settings.keep, settings.criterion, settings.always_kept, settings.always_free, task)
    base, result = allocated(source, kept, task, settings.solver, settings.penalty, settings.seed, report)
    return base, [result]


def free_everything(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> Founding:
    """Fine-tuning: every target has all weights of its own; only buffers stay the source's."""
    return source.with_mask(None, True), []


def free_last_layer(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> Founding:
    """Last layer: its tensors alone are free, so that a linear equation is a linear least-squares problem."""
    return last_layer(source).masked, []


def start_afresh(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> Founding:
    """From scratch: every target has all weights of its own, and nothing of the source.

    Raises:
        PacpinnError: if the network has buffers, such as statistics of batch normalisation: those are the source's.
    """
    buffers = [name for name, _ in source.network.named_buffers()]
    if buffers:
        raise PacpinnError(
            f"the network has buffers ({', '.join(buffers)}), which a family keeps once for all of its members; train "
            "each target from scratch by itself, as with pacpinn.PAC(network).fit(target)"
        )
    return source.with_mask(None, True), []


def free_nothing(source: MaskedNetwork, task: Task, settings: Settings, report: Report) -> Founding:
    """Parametric: one network solves all targets."""
    return source.with_mask(torch.zeros_like(source.free), True), []


METHODS: dict[str, Callable[[MaskedNetwork, Task, Settings, Report], Founding]] = {
    "pac": prune_and_allocate,
    "fine-tuning": free_everything,
    "last-layer": free_last_layer,
    "from-scratch": start_afresh,
    "parametric": free_nothing,
}
