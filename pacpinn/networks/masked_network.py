"""A network with some weights free and the others frozen."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from pacpinn.errors import PruningError
from pacpinn.tasks.task import Forward


class MaskedNetwork:
    """A network as a function of its free weights ``z``: no optimiser can move the frozen ones.

    The weights are the network's trainable parameters, flattened and joined in the order of its state dict.
    Parameters with ``requires_grad=False`` stay as they are and are not among the weights.

    Args:
        network: any torch module. This object owns it from now on and uses it as a template.
        weights: all weights ``(P,)``; those of the network by default.
        free: boolean mask ``(P,)``; all free by default.
        frozen_buffers: whether buffers stay as they are too, such as the statistics of batch normalisation.
        own: boolean mask ``(P,)`` of the weights of a new head, which the source does not have; none by default.
    """

    def __init__(
        self,
        network: nn.Module,
        weights: Tensor | None = None,
        free: Tensor | None = None,
        frozen_buffers: bool = False,
        own: Tensor | None = None,
    ) -> None:
        self.network = network
        parameters = {name: value.detach() for name, value in network.named_parameters() if value.requires_grad}
        self.shapes = {name: value.shape for name, value in parameters.items()}
        if not parameters:
            raise PruningError(
                "the network has no trainable parameter; expected some: set requires_grad=True on those to be learnt"
            )
        if weights is None:
            weights = torch.cat([value.reshape(-1) for value in parameters.values()])
        self.weights = weights.clone()
        self._free = None if free is None else free.clone()
        self.frozen_buffers = frozen_buffers
        self._own = None if own is None else own.clone()
        for name, piece in self.by_name(self.weights).items():  # template and weights share memory
            parameter = network.get_parameter(name)
            parameter.data = piece.to(parameter)

    @cached_property
    def _index(self) -> Tensor:
        return self.free.nonzero()[:, 0]

    @property
    def free(self) -> Tensor:
        """Mask ``(P,)`` of the free weights."""
        return torch.ones_like(self.weights, dtype=torch.bool) if self._free is None else self._free

    @property
    def own(self) -> Tensor:
        """Mask ``(P,)`` of a new head's weights."""
        return torch.zeros_like(self.weights, dtype=torch.bool) if self._own is None else self._own

    @property
    def start(self) -> Tensor:
        """The free weights' present values ``(p,)``."""
        return self.weights[self.free]

    def with_mask(self, free: Tensor | None, frozen_buffers: bool, weights: Tensor | None = None) -> Self:
        """A copy with the mask `free`, None for all weights; `weights` ``(P,)`` replaces all values."""
        weights = self.weights if weights is None else weights
        return type(self)(copy.deepcopy(self.network), weights, free, frozen_buffers, self._own)

    def to(self, dtype: torch.dtype, device: torch.device) -> Self:
        """A copy with weights and buffers of another dtype or on another device."""
        network = copy.deepcopy(self.network).to(device=device, dtype=dtype)
        free, own = (None if mask is None else mask.to(device) for mask in (self._free, self._own))
        return type(self)(network, self.weights.to(device, dtype), free, self.frozen_buffers, own)

    def merge(self, z: Tensor) -> Tensor:
        """All weights ``(P,)`` with the free ones set to `z` ``(p,)``; or ``(targets, P)`` for ``(targets, p)``."""
        if z.ndim == 1:
            return self.weights.index_put((self._index,), z)
        return self.weights.expand(len(z), -1).index_copy(1, self._index, z)

    def forward(self, z: Tensor, training: bool = False) -> Forward:
        """The network at free weights `z` ``(p,)`` as a function of its inputs; gradients flow to `z`.

        With `z` ``(targets, p)``, inputs and outputs are the rows of all targets, one target after the other.
        `training` makes dropout and the like active, and updates the buffers that are not frozen.
        """
        parameters = self.by_name(self.merge(z))
        if z.ndim == 1:
            return lambda x: self.evaluate(parameters, x, training=training)
        by_target = vmap(lambda own, x: self.evaluate(own, x, training=training))
        return lambda x: by_target(parameters, x.unflatten(0, (len(z), -1))).flatten(0, 1)

    def evaluate(self, parameters: dict[str, Tensor], *inputs: Any, training: bool = False, **options: Any) -> Tensor:
        """The network at `inputs` with other values for all of its weights, by name."""
        self._set_mode(training)
        outputs: Tensor = functional_call(self.network, {**parameters, **self._buffers()}, inputs, options)
        return outputs

    def module(self, z: Tensor) -> nn.Module:
        """An independent module at free weights `z`, in evaluation mode, with the template's own state-dict keys."""
        network = copy.deepcopy(self.network)
        values = self.by_name(self.merge(z.detach()))
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name in values:
                    parameter.copy_(values[name])
        return network.eval()

    def _set_mode(self, training: bool) -> None:
        self.network.train(training)
        if training and self.frozen_buffers:
            for module in self.network.modules():
                module.training = next(module.buffers(recurse=False), None) is None

    def _buffers(self) -> dict[str, Tensor]:
        """Copies of frozen buffers: some modules change their buffers in evaluation mode too."""
        return {name: buffer.clone() for name, buffer in self.network.named_buffers()} if self.frozen_buffers else {}

    def by_name(self, flat: Tensor) -> dict[str, Tensor]:
        """Flat vectors ``(..., P)`` as one tensor for each parameter: views, by name."""
        pieces = flat.split([shape.numel() for shape in self.shapes.values()], dim=-1)
        return {name: piece.unflatten(-1, self.shapes[name]) for name, piece in zip(self.shapes, pieces, strict=True)}
