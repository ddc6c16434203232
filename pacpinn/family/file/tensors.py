"""Bases and members as tensors and headers of a family file, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, SingularPoint, Solution
from pacpinn.family.file.schema import MemberHeader
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.task import Score

Shapes = Mapping[str, Sequence[int]]  # of a network's weights by name, in the order in which the weights are joined
Tensors = Mapping[str, Tensor]

_COMMON = [name for name in MemberHeader.__struct_fields__ if name in Solution.__dataclass_fields__]


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
    shapes: Shapes,
    coefficients: Sequence[Coefficients],
    first: int,
    tensors: Tensors,
) -> list[Base]:
    """Inverse of :func:`base_tensors`, in networks of the problem; `shapes` and `coefficients` are the header's."""
    return [
        Base(_masked(problem, settings, shapes, tensors, i), checked(problem, c))
        for i, c in enumerate(coefficients, first)
    ]


def _masked(problem: Problem, settings: Settings, shapes: Shapes, tensors: Tensors, i: int) -> MaskedNetwork:
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


def shapes_of(masked: MaskedNetwork) -> dict[str, list[int]]:
    """Shapes of the weights, as a header holds them."""
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


def member_header(solution: Solution) -> MemberHeader:
    """The fields of a member that are not tensors."""
    score = solution.score
    return MemberHeader(
        **{name: getattr(solution, name) for name in _COMMON},
        metric=None if score is None else score.name,
        error=None if score is None else score.value,
        losses=len(solution.history),
    )


def member_tensors(solutions: Sequence[Solution], targets: Sequence[Solution]) -> dict[str, Tensor]:
    """The losses of all `solutions`, and the free weights of those that are `targets`: the source has none."""
    tensors = {"losses": torch.tensor([loss for each in solutions for loss in each.history], dtype=torch.float64)}
    return tensors | stacked((each.base, each.z) for each in targets)


def stacked(weights: Iterable[tuple[int, Tensor]]) -> dict[str, Tensor]:
    """The free weights of targets, each given with the index of its base, as one tensor for each base."""
    by_base: dict[int, list[Tensor]] = {}
    for base, z in weights:
        by_base.setdefault(base, []).append(z)
    return {f"base.{i}.targets": torch.stack(own) for i, own in by_base.items()}


def read_members(
    problem: Problem, bases: Sequence[Base], headers: Sequence[MemberHeader], first: int, tensors: Tensors
) -> list[Solution]:
    """Inverse of :func:`member_header` and :func:`member_tensors`, for members that are numbered from `first` on."""
    histories = _histories(headers, tensors["losses"])
    weights = _free_weights(headers, first, tensors, bases)
    return [_solution(problem, *each) for each in zip(headers, weights, histories, strict=True)]


def _histories(headers: Sequence[MemberHeader], losses: Tensor) -> Iterator[list[float]]:
    if losses.dtype != torch.float64:
        raise ValueError(f"losses of type {losses.dtype}")
    counts = [each.losses for each in headers]
    if sum(counts) != len(losses) or min(counts, default=0) < 0:
        raise ValueError(f"the file has {len(losses)} losses, its members {sum(counts)}")
    rest = iter(losses.tolist())
    return (list(islice(rest, count)) for count in counts)


def _free_weights(
    headers: Sequence[MemberHeader], first: int, tensors: Tensors, bases: Sequence[Base]
) -> Iterator[Tensor]:
    """The free weights of each member; those of the source, member 0, are zero."""
    rows = {i: iter(tensors[f"base.{i}.targets"]) for i in range(len(bases)) if f"base.{i}.targets" in tensors}
    for k, each in enumerate(headers, first):
        if not 0 <= each.base < len(bases):
            raise ValueError(f"member {k} builds on base {each.base} of {len(bases)}")
        zero = bases[each.base].masked.start
        z = zero if k == 0 else next(rows.get(each.base, iter(())), None)
        if z is None or (z.shape, z.dtype) != (zero.shape, zero.dtype) or not z.isfinite().all():
            raise ValueError(f"member {k} does not have the {len(zero)} finite numbers that its base leaves free")
        yield z


def _solution(problem: Problem, header: MemberHeader, z: Tensor, history: list[float]) -> Solution:
    singular = header.singular
    return Solution(
        **{name: getattr(header, name) for name in _COMMON}
        | {
            "coefficients": checked(problem, header.coefficients),
            "z": z,
            "history": history,
            "residual": _number(header.residual),
            "score": None if header.metric is None else Score(header.metric, _number(header.error)),
            "singular": singular and SingularPoint(singular.kind, checked(problem, singular.near)),
        }
    )


def _number(value: float | None) -> float:
    return math.inf if value is None else value  # null stands for a number that is not finite
