"""Bases as tensors of a family file, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem


def base_tensors(bases: Sequence[Base], first: int) -> dict[str, Tensor]:
    """Weights, mask, buffers and untrained parameters of bases that are numbered from `first` on."""
    tensors: dict[str, Tensor] = {}
    for i, base in enumerate(bases, first):
        masked = base.masked
        tensors |= {f"base.{i}.weights": masked.weights, f"base.{i}.free": packed(masked.free)}
        state = masked.network.state_dict()
        tensors |= {f"base.{i}.state.{name}": each for name, each in state.items() if name not in masked.shapes}
    return tensors


def read_bases(
    problem: Problem,
    settings: Settings,
    shapes: Mapping[str, Sequence[int]],
    coefficients: Sequence[Coefficients],
    first: int,
    tensors: Mapping[str, Tensor],
) -> list[Base]:
    """Inverse of :func:`base_tensors`, in networks of the problem; `shapes` and `coefficients` are the header's."""
    return [
        Base(_masked(problem, settings, shapes, tensors, i), checked(problem, c))
        for i, c in enumerate(coefficients, first)
    ]


def shapes_of(masked: MaskedNetwork) -> dict[str, list[int]]:
    """Shapes of the weights by name, in the order in which the weights are joined."""
    return {name: list(shape) for name, shape in masked.shapes.items()}


def checked(problem: Problem, c: Coefficients) -> Coefficients:
    """Coefficients of a file, after a check of their names and ranges."""
    if set(c) != set(problem.coefficients):
        raise ValueError(f"coefficients {c}; expected {', '.join(problem.coefficients)}")
    return problem.at(c)


def packed(mask: Tensor) -> Tensor:
    """A mask with eight weights a byte."""
    return torch.from_numpy(np.packbits(mask.numpy(force=True)))


def unpacked(mask: Tensor, weights: int) -> Tensor:
    """Inverse of :func:`packed` for so many `weights`."""
    if mask.dtype != torch.uint8 or mask.ndim != 1 or len(mask) != math.ceil(weights / 8):
        raise ValueError(f"a mask of {mask.numel()} bytes for {weights} weights")
    return torch.from_numpy(np.unpackbits(mask.numpy(force=True), count=weights)).to(mask.device, torch.bool)


def _masked(
    problem: Problem,
    settings: Settings,
    shapes: Mapping[str, Sequence[int]],
    tensors: Mapping[str, Tensor],
    i: int,
) -> MaskedNetwork:
    weights, prefix = tensors[f"base.{i}.weights"], f"base.{i}.state."
    network = problem.initial_network(settings.seed).to(device=weights.device, dtype=weights.dtype)
    state = {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}
    free = unpacked(tensors[f"base.{i}.free"], len(weights))
    if not weights.is_floating_point() or not weights.isfinite().all():
        raise ValueError(f"base {i} has weights that are not finite real numbers")
    masked = MaskedNetwork(network, weights, free, frozen_buffers=True)
    missing, unexpected = network.load_state_dict(state, strict=False)
    if unexpected or set(missing) - set(masked.shapes) or shapes_of(masked) != shapes:
        raise ValueError(f"the network has weights {shapes_of(masked)}, the file {shapes}")
    return masked
