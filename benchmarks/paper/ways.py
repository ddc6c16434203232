"""The methods of the protocol: what each starts from, and the six settings from which it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

import pacpinn as pp
from pacpinn.networks.heads import last_module, with_head
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.base import Solver, silent
from pacpinn.solvers.choice import get_solver
from pacpinn.tasks.supervised import SupervisedTask
from pacpinn.tasks.task import Task
from pacpinn.transfer.allocation import allocate
from pacpinn.transfer.from_scratch import cold_start
from pacpinn.transfer.methods import TransferMethod, calibration, fine_tuning, from_scratch, l2_sp, last_layer
from pacpinn.transfer.pruning import kept_weights
from paper.baselines import bss, delta, lora
from paper.feature_penalties import channel_attention, hidden_places
from paper.tasks import EQUATIONS

STRENGTHS = {  # of data against the sum of the samples' losses, of equations against the mean square residual
    "regression": (0.0, 0.1, 1.0, 10.0, 100.0, 1000.0),
    "classification": (0.0, 0.01, 0.1, 1.0, 10.0, 100.0),
} | dict.fromkeys(EQUATIONS, (0.0, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5))
FEW_STRENGTHS = {  # of methods that also choose a size
    "regression": (1.0, 100.0, 1000.0),
    "classification": (0.0, 1.0, 100.0),
} | dict.fromkeys(EQUATIONS, (0.0, 1e-7, 1e-5))
KEEPS = (0.3, 0.7)
RANKS = (2, 8)


@dataclass(frozen=True)
class Setting:
    """The setting of a method.

    Attributes:
        strength: of the method's own penalty: of data against the sum of the samples' losses, of an equation against
            its mean square residual.
        size: PAC's kept fraction, LoRA's rank; None of the others.
    """

    strength: float
    size: float | None = None

    def penalty(self, task: Task) -> float:
        """The strength against what the task minimises."""
        return self.strength / len(task.samples.x_train) if isinstance(task, SupervisedTask) else self.strength


class Sources:
    """A seed's source network and the networks with which the methods start.

    Attributes:
        initial: the network before any training.
        fitted: the network trained on the source, which PAC prunes.
        longer: trained for as many further steps as an allocation takes; the baselines start with it.
    """

    def __init__(self, network: nn.Module, task: Task, seed: int) -> None:
        self.task, self.seed = task, seed
        self.initial = network.to(task.dtype)
        self.fitted, _ = cold_start(self.initial, task, seed=seed)
        self.longer = self._trained(fine_tuning(self.fitted))
        self._bases: dict[tuple[Founding, float], MaskedNetwork] = {}

    def base(self, keep: float, founding: Founding) -> MaskedNetwork:
        """The network that holds the source in a fraction of its weights; it is built once."""
        if (founding, keep) not in self._bases:
            self._bases[founding, keep] = founding(self, keep)
        return self._bases[founding, keep]

    def allocated(self, kept: torch.Tensor, penalty: float | None = None) -> MaskedNetwork:
        """The source in its `kept` weights, with the task's own penalty by default."""
        return allocate(self.fitted, kept, self.task, None, penalty, self.seed, silent)[0]

    def _trained(self, method: TransferMethod) -> MaskedNetwork:
        result = method.train(self.task, get_solver(None, self.task), 0.0, self.seed)
        return method.masked.with_mask(method.masked.free, False, method.masked.merge(result.z))


Founding = Callable[[Sources, float], MaskedNetwork]


def published(sources: Sources, keep: float) -> MaskedNetwork:
    """One global threshold of magnitude, in one shot (Myung et al. 2022, section 3.1 and eq. 4)."""
    return sources.allocated(kept_weights(sources.fitted, keep))


@dataclass(frozen=True)
class Beginning:
    """Everything that a method may use before it is trained on a target.

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

    @cached_property
    def attention(self) -> dict[str, torch.Tensor]:
        """DELTA's, by the source's features below a last layer that is trained on the target."""
        source = self.headed(self.sources.longer)
        probe = last_layer(source)
        z = probe.train(self.target, self.solver, 0.0, self.sources.seed).z
        return channel_attention(probe.masked, z, self.target, hidden_places(source.network))


@dataclass(frozen=True)
class Way:
    """One method.

    Attributes:
        begin: the method at a setting.
        sizes: kept fractions or ranks among which it chooses besides strengths.
        keeps_source: whether the network that learns the target still has the source's outputs to the last bit.
    """

    begin: Callable[[Beginning, Setting], TransferMethod]
    sizes: tuple[float, ...] = ()
    keeps_source: bool = False

    def settings(self, kind: str) -> list[Setting]:
        """The six settings of this method for tasks of a kind."""
        if not self.sizes:
            return [Setting(strength) for strength in STRENGTHS[kind]]
        return [Setting(strength, size) for size in self.sizes for strength in FEW_STRENGTHS[kind]]

    def source(self, sources: Sources, setting: Setting) -> MaskedNetwork:
        """The network that has learnt only the source."""
        return sources.longer


@dataclass(frozen=True)
class Calibration(Way):
    """PAC: the free weights of a network that was pruned and allocated as `founding` says are trained on the target."""

    founding: Founding = published

    @classmethod
    def of(cls, founding: Founding, keeps: tuple[float, ...]) -> Calibration:
        return cls(
            lambda here, setting: calibration(here.headed(here.sources.base(setting.size or 0.0, founding))),
            keeps,
            True,
            founding,
        )

    def source(self, sources: Sources, setting: Setting) -> MaskedNetwork:
        return sources.base(setting.size or 0.0, self.founding)


def scratch(here: Beginning, setting: Setting) -> TransferMethod:
    headed = here.headed(MaskedNetwork(here.sources.initial))
    return from_scratch(headed.module(headed.start))


WAYS: dict[str, Way] = {
    "from scratch": Way(scratch),
    "fine-tuning": Way(lambda here, setting: fine_tuning(here.headed(here.sources.longer))),
    "last layer": Way(lambda here, setting: last_layer(here.headed(here.sources.longer))),
    "L2-SP": Way(lambda here, setting: l2_sp(here.headed(here.sources.longer))),
    "DELTA": Way(lambda here, setting: delta(here.headed(here.sources.longer), here.attention)),
    "BSS": Way(lambda here, setting: bss(here.headed(here.sources.longer))),
    "LoRA": Way(
        lambda here, setting: lora(here.headed(here.sources.longer), int(setting.size or 1), here.sources.seed),
        RANKS,
        keeps_source=True,
    ),
    "PAC": Calibration.of(published, KEEPS),
}
LOOKS_AT_FEATURES = ("DELTA", "BSS")


def source_after(here: Beginning, method: TransferMethod, z: torch.Tensor, way: Way, setting: Setting) -> nn.Module:
    """The source's metric of a network that has learnt a target, with the source's own head.

    For this the free weights of PAC and LoRA are set back to zero. The last layer alone is kept beside the new one.
    """
    base = way.source(here.sources, setting)
    source = base.module(base.start)
    if way is WAYS["last layer"]:
        return source
    after = method.masked.module(torch.zeros_like(z) if way.keeps_source else z).state_dict()
    head = f"{last_module(source)}." if here.head is not None else None
    body = {name: each for name, each in after.items() if head is None or not name.startswith(head)}
    source.load_state_dict(body, strict=False)
    return source


def bytes_stored(method: TransferMethod) -> int:
    """Of a target beyond the source, in single precision: free weights, and buffers that moved with them."""
    buffers = 0 if method.masked.frozen_buffers else sum(each.numel() for each in method.masked.network.buffers())
    return 4 * (len(method.start) + buffers)


def solvers(kind: str, quick: bool) -> dict[str, Solver]:
    """The target's, by name: first-order for all methods, and for equations Levenberg-Marquardt for some."""
    few = 10 if quick else 1
    first = {"regression": pp.Adam(1000 // few), "classification": pp.Adam(300 // few)}
    if kind in first:
        return {"Adam": first[kind]}
    return {
        "Adam, L-BFGS": pp.InTurn([pp.Adam(250 // few, 1e-3), pp.LBFGS(250 // few)]),
        "Levenberg-Marquardt": pp.LevenbergMarquardt(max_steps=30 // few, patience=30),
    }
