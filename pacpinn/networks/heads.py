"""A new head, for a target with other classes or outputs than the source's."""

from __future__ import annotations

import copy

from torch import nn

from pacpinn.errors import NetworkError
from pacpinn.networks.masked_network import MaskedNetwork


def with_head(masked: MaskedNetwork, head: nn.Module, at: str | None = None) -> MaskedNetwork:
    """A copy of a network with a copy of `head` in place of the module `at`; all weights of the head are free.

    Args:
        masked: the network; its other weights stay free or frozen as they are.
        head: a module with weights and without buffers, such as ``nn.Linear(128, 5)``.
        at: name of the module to replace, as in ``named_modules()``; by default the last one with weights to learn. It
            must not share weights with the rest of the network.
    """
    network = copy.deepcopy(masked.network)
    at = last_module(network) if at is None else at
    _require_place(network, at)
    _require_head(head)
    parent, _, name = at.rpartition(".")
    setattr(network.get_submodule(parent), name, copy.deepcopy(head).to(masked.weights))
    headed = MaskedNetwork(network)
    new = headed.weights.clone(), headed.free, headed.own
    weights, free, own = map(headed.by_name, new)  # views
    old_weights, old_free = masked.by_name(masked.weights), masked.by_name(masked.free)
    for key in weights:
        if key.startswith(f"{at}."):
            own[key].fill_(True)
        else:
            weights[key].copy_(old_weights[key])
            free[key].copy_(old_free[key])
    return MaskedNetwork(network, new[0], new[1], masked.frozen_buffers, new[2])


def new_head(network: nn.Module, before: int, outputs: int) -> nn.Linear:
    """A linear layer with `outputs` outputs to replace the last module, which must be one with `before` outputs."""
    name = last_module(network)
    last = network.get_submodule(name)
    if not isinstance(last, nn.Linear) or last.out_features != before:
        raise NetworkError(
            f"the last module with weights to learn, {name!r}, is {last}; expected nn.Linear with {before} outputs, to "
            f"make a new head like it: give a module that fits there, such as nn.Linear(128, {outputs})"
        )
    return nn.Linear(last.in_features, outputs, last.bias is not None)


def last_module(network: nn.Module) -> str:
    """The name of the module with the last trainable parameter."""
    return [name for name, value in network.named_parameters() if value.requires_grad][-1].rpartition(".")[0]


def _require_place(network: nn.Module, at: str) -> None:
    modules = dict(network.named_modules())
    if at not in modules or at == "":
        raise NetworkError(
            f"there is no module {at!r} in the network to replace by a new head; there are: "
            f"{', '.join(name for name in modules if name)}"
        )
    replaced = {id(parameter) for parameter in modules[at].parameters()}
    for name, parameter in network.named_parameters(remove_duplicate=False):
        if id(parameter) in replaced and not name.startswith(f"{at}."):
            raise NetworkError(
                f"{at!r} shares its weights with {name!r}, which would stay when a new head replaces it: untie them "
                "before the source is learnt, or name another module to replace"
            )


def _require_head(head: nn.Module) -> None:
    if not any(parameter.requires_grad for parameter in head.parameters()):
        raise NetworkError(f"the new head {head} has no weights to learn; expected a module such as nn.Linear(128, 5)")
    buffers = [name for name, _ in head.named_buffers()]
    if buffers:
        raise NetworkError(
            f"the new head has buffers ({', '.join(buffers)}), and buffers cannot be learnt; expected a module without "
            "buffers, such as nn.Linear(128, 5)"
        )
