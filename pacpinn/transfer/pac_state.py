"""The state of PAC: which steps are done, and the networks that they gave."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from pacpinn.errors import NetworkError, OrderError
from pacpinn.networks.heads import with_head
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.runtime.isolation import existing_device
from pacpinn.transfer.methods import TransferMethod, calibration

SOURCE = "source"


@dataclass(frozen=True)
class Member:
    """A task that :class:`PAC` has learnt: a network, and the values of its free weights ``(p,)``."""

    masked: MaskedNetwork
    z: Tensor


class PACState:
    """The source, its mask, the allocated base and the calibrated targets of a :class:`~pacpinn.PAC`.

    Every step needs the one before; a step that changes mask or base drops the targets learnt from the old one.
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
        self._changes = 0  # incremented when mask or base changes; invalidates Trainables made earlier

    def __copy__(self) -> Self:
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__ | {"_members": dict(self._members)}
        return other

    @property
    def base(self) -> MaskedNetwork:
        """The pruned and allocated network, its pruned weights free and at zero."""
        if self._base is None:
            missing = "prune(keep=...) and then allocate(source)" if self._kept is None else "allocate(source)"
            raise OrderError(f"there is no allocated network yet: call {missing} first")
        return self._base

    @property
    def names(self) -> list[str]:
        """The names that :meth:`network` takes: ``"source"``, then the targets in the order of their calibration."""
        return [SOURCE, *self._members]

    def network(self, name: str = "source") -> nn.Module:
        """An independent module with the network's own state-dict keys, for one of the :attr:`names`."""
        member = self._member(name)
        return member.masked.module(member.z)

    @property
    def _trained(self) -> MaskedNetwork:
        """The source before pruning: fitted, or as it was given."""
        return self._source or MaskedNetwork(self._network)

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
        if start is None:
            return calibration(self.base if head is None else with_head(self.base, head, at))
        if head is not None:
            raise NetworkError(
                f"a target that starts at another, here {start!r}, has its head: leave out one of the two"
            )
        neighbour = self._member(start)
        return calibration(neighbour.masked, neighbour.z)

    def _new_name(self, name: str | None) -> str:
        if name == SOURCE:
            raise OrderError("the name 'source' is taken by the allocated network; call the target something else")
        return name or f"target {len(self._members) + 1}"

    def _set_base(self, base: MaskedNetwork | None, kept: Tensor | None = None) -> None:
        """Start again with a base, or without one but with the mask `kept` for it; drops all targets."""
        self._base, self._kept, self._members = base, kept, {}
        self._changes += 1
