"""Members as headers and tensors of a family file, and back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import torch
from torch import Tensor

from pacpinn.continuation.solution import Base, SingularPoint, Solution
from pacpinn.family.file.bases import checked
from pacpinn.family.file.schema import MemberHeader
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.task import Score

_COMMON = [name for name in MemberHeader.__struct_fields__ if name in Solution.__dataclass_fields__]


def member_header(solution: Solution) -> MemberHeader:
    """What the header says of a member."""
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
    by_base: dict[int, list[Tensor]] = {}
    for each in targets:
        by_base.setdefault(each.base, []).append(each.z)
    return tensors | {f"base.{i}.targets": torch.stack(own) for i, own in by_base.items()}


def read_solutions(
    problem: Problem,
    bases: Sequence[Base],
    headers: Sequence[MemberHeader],
    first: int,
    tensors: Mapping[str, Tensor],
) -> list[Solution]:
    """Inverse of :func:`member_header` and :func:`member_tensors`, for members that are numbered from `first` on."""
    histories = _histories(headers, tensors["losses"])
    weights = _free_weights(headers, first, tensors, bases)
    return [_solution(problem, *each) for each in zip(headers, weights, histories, strict=True)]


def _histories(headers: Sequence[MemberHeader], losses: Tensor) -> Iterator[list[float]]:
    """The losses of each member."""
    if losses.dtype != torch.float64:
        raise ValueError(f"losses of type {losses.dtype}")
    counts = [each.losses for each in headers]
    if sum(counts) != len(losses) or min(counts, default=0) < 0:
        raise ValueError(f"the file has {len(losses)} losses, its members {sum(counts)}")
    rest = iter(losses.tolist())
    return (list(islice(rest, count)) for count in counts)


def _free_weights(
    headers: Sequence[MemberHeader], first: int, tensors: Mapping[str, Tensor], bases: Sequence[Base]
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
    """Null stands for a number that is not finite."""
    return math.inf if value is None else value
