"""The methods of the protocol: what each starts from, and the six settings among which it chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

import pacpinn as pp
from pacpinn.allocation import founded
from pacpinn.cold_start import cold_start
from pacpinn.feature_penalties import channel_attention, hidden_places
from pacpinn.heads import last_module, with_head
from pacpinn.masked import MaskedNetwork
from pacpinn.methods import (
    Method,
    allocation,
    bss,
    calibration,
    delta,
    fine_tuning,
    from_scratch,
    l2_sp,
    last_layer,
    lora,
)
from pacpinn.pruning import kept_weights
from pacpinn.solvers import Solver, get_solver
from pacpinn.task import Task

STRENGTHS = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
KEEPS = (0.3, 0.5, 0.7)
RANKS = (2, 4, 8)


@dataclass(frozen=True)
class Setting:
    """What a method may choose.

    Attributes:
        strength: of the method's own penalty, relative to the mean loss.
        size: PAC's kept fraction, LoRA's rank; None of the others.
    """

    strength: float
    size: float | None = None


class Sources:
    """A seed's source network and what the methods begin with.

    Attributes:
        initial: the network before any training.
        fitted: trained on the source; what PAC prunes.
        longer: trained on for as many steps as an allocation takes; what the rivals begin with.
    """

    def __init__(self, network: nn.Module, task: Task, seed: int) -> None:
        self.task, self.seed = task, seed
        self.initial = network.to(task.dtype)
        self.fitted, _ = cold_start(self.initial, task, seed=seed)
        self.longer = self._trained(fine_tuning(self.fitted))
        self._bases: dict[float, MaskedNetwork] = {}

    def base(self, keep: float) -> MaskedNetwork:
        """PAC's, pruned and allocated."""
        if keep not in self._bases:
            method = allocation(self.fitted, kept_weights(self.fitted, keep))
            result = method.train(self.task, get_solver(None, self.task), self.task.penalty, self.seed)
            self._bases[keep] = founded(method.masked, result.z)
        return self._bases[keep]

    def _trained(self, method: Method) -> MaskedNetwork:
        result = method.train(self.task, get_solver(None, self.task), 0.0, self.seed)
        return method.masked.with_mask(method.masked.free, False, method.masked.merge(result.z))


@dataclass(frozen=True)
class Beginning:
    """Everything that a method may look at before it is trained on a target.

    Attributes:
        sources: the seed's.
        target: the task that will be trained on.
        head: a new head; None if the source's fits.
        solver: the target's.
    """

    sources: Sources
    target: Task
    head: nn.Module | None
    solver: Solver

    def headed(self, masked: MaskedNetwork) -> MaskedNetwork:
        """A source network with the target's head."""
        return masked if self.head is None else with_head(masked, self.head)


@dataclass(frozen=True)
class Way:
    """One method.

    Attributes:
        settings: the six.
        begin: the method at a setting.
        keeps_source: whether the source's own answers stay, to the last bit, in the network that learns the target.
    """

    settings: tuple[Setting, ...]
    begin: Callable[[Beginning, Setting], Method]
    keeps_source: bool = False


def scratch(here: Beginning, setting: Setting) -> Method:
    headed = here.headed(MaskedNetwork(here.sources.initial))
    return from_scratch(headed.module(headed.start))


def with_delta(here: Beginning, setting: Setting) -> Method:
    """Attention by the source's features below a last layer that is trained on the target."""
    source = here.headed(here.sources.longer)
    probe = last_layer(source)
    z = probe.train(here.target, here.solver, 0.0, here.sources.seed).z
    return delta(source, channel_attention(probe.masked, z, here.target, hidden_places(source.network)))


STRONG = tuple(map(Setting, STRENGTHS))


def sized(sizes: tuple[float, ...]) -> tuple[Setting, ...]:
    return tuple(Setting(strength, size) for size in sizes for strength in (0.0, 1e-4))


WAYS: dict[str, Way] = {
    "from scratch": Way(STRONG, scratch),
    "fine-tuning": Way(STRONG, lambda here, setting: fine_tuning(here.headed(here.sources.longer))),
    "last layer": Way(STRONG, lambda here, setting: last_layer(here.headed(here.sources.longer))),
    "L2-SP": Way(STRONG, lambda here, setting: l2_sp(here.headed(here.sources.longer))),
    "DELTA": Way(STRONG, with_delta),
    "BSS": Way(STRONG, lambda here, setting: bss(here.headed(here.sources.longer))),
    "LoRA": Way(
        sized(RANKS),
        lambda here, setting: lora(here.headed(here.sources.longer), int(setting.size or 1), here.sources.seed),
        keeps_source=True,
    ),
    "PAC": Way(
        sized(KEEPS),
        lambda here, setting: calibration(here.headed(here.sources.base(setting.size or 0.0))),
        keeps_source=True,
    ),
}
LOOKS_AT_FEATURES = ("DELTA", "BSS")


def source_after(here: Beginning, method: Method, z: torch.Tensor, way: Way, size: float | None) -> nn.Module:
    """What the network that learnt a target says of the source, under the source's own head.

    The free weights of PAC and LoRA are set back to zero for that. The last layer alone is kept beside the new one.
    """
    base = source_of(here.sources, way, size)
    source = base.module(base.start)
    if way is WAYS["last layer"]:
        return source
    after = method.masked.module(torch.zeros_like(z) if way.keeps_source else z).state_dict()
    head = f"{last_module(source)}." if here.head is not None else None
    body = {name: each for name, each in after.items() if head is None or not name.startswith(head)}
    source.load_state_dict(body, strict=False)
    return source


def source_of(sources: Sources, way: Way, size: float | None) -> MaskedNetwork:
    """The network that has learnt the source only."""
    return sources.base(size or 0.0) if way is WAYS["PAC"] else sources.longer


def bytes_stored(method: Method) -> int:
    """Of a target beyond the source, in single precision: free weights, and buffers that moved with them."""
    buffers = 0 if method.masked.frozen_buffers else sum(each.numel() for each in method.masked.network.buffers())
    return 4 * (len(method.start) + buffers)


def solvers(kind: str, quick: bool) -> dict[str, Solver]:
    """The target's, by name: first-order for all methods, and for equations Levenberg-Marquardt for some."""
    few = 20 if quick else 1
    first = {"regression": pp.Adam(1000 // few), "classification": pp.Adam(300 // few)}
    if kind in first:
        return {"Adam": first[kind]}
    return {
        "Adam, L-BFGS": pp.InTurn([pp.Adam(500 // few, 1e-3), pp.LBFGS(500 // few)]),
        "Levenberg-Marquardt": pp.LevenbergMarquardt(max_steps=60 // few, patience=60),
    }
