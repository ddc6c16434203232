"""A family as a header and tensors, and back; the whole of it, or what has come since."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, SingularPoint, Solution
from pacpinn.errors import FamilyFileError, PacpinnError
from pacpinn.family.file import container, schema, upgrades
from pacpinn.family.file.provenance import problem_of, run_spec, settings_of
from pacpinn.family.file.schema import Header, MemberHeader, PartHeader, RefinementHeader
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.reduced_basis.greedy import Refinement
from pacpinn.runtime.machine import Machine
from pacpinn.sweep.requests import Request, TargetRequest
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.task import Score

log = logging.getLogger(__name__)

_MOST_MEMBERS = 50_000  # with three coefficients the header of as many takes 24 MB; no more than 64 MiB are read


@dataclass(frozen=True)
class Record:
    """All of a family that a file holds.

    Attributes:
        problem, bases, solutions, settings, refinement, requests: the family's.
        finished: whether all requests were carried out.
    """

    problem: Problem
    bases: Sequence[Base]
    solutions: Sequence[Solution]
    settings: Settings
    refinement: Refinement | None
    requests: Sequence[Request]
    finished: bool


class Part(NamedTuple):
    """A member that has come to a family, and with it.

    Attributes:
        solution: the member.
        bases: those that are new with it.
        refinement: how far the family has come then.
        first_base, first_member: how many of each there were before.
    """

    solution: Solution
    bases: Sequence[Base]
    refinement: Refinement | None
    first_base: int
    first_member: int


def require_room(path: Path, requests: Sequence[Request]) -> None:
    """All that a family is asked for must go into one file.

    Raises:
        PacpinnError: if it does not.
    """
    members = max((each.begun + len(each.targets) for each in requests if isinstance(each, TargetRequest)), default=0)
    if members > _MOST_MEMBERS:
        raise PacpinnError(
            f"{members:,} members are asked for in {path}; one family file holds {_MOST_MEMBERS:,}: solve several "
            "families, each with a file of its own"
        )


def write_family(path: Path, record: Record) -> str:
    """Write a family: bases once, every target only its free weights. Returns the digest."""
    masked = record.bases[0].masked
    head = Header(
        asked=run_spec(record.problem, record.solutions[0].coefficients, record.settings, record.requests),
        machine=Machine.here(),
        architecture=str(masked.network),
        shapes=_shapes(masked),
        bases=[each.coefficients for each in record.bases],
        members=[_member(each) for each in record.solutions],
        refinement=_refinement_header(record.refinement),
        finished=record.finished,
    )
    return container.write_container(
        path, schema.to_json(head), _tensors(record.bases, 0, record.solutions, record.solutions[1:])
    )


def append_member(file: BinaryIO, part: Part) -> None:
    """Write what has come to a family at the end of a file: the inverse of :func:`extended`."""
    head = PartHeader(
        bases=[each.coefficients for each in part.bases],
        members=[_member(part.solution)],
        refinement=_refinement_header(part.refinement),
        first_base=part.first_base,
        first_member=part.first_member,
    )
    tensors = _tensors(part.bases, part.first_base, [part.solution], [part.solution])
    container.append_part(file, schema.to_json(head), tensors)


def _tensors(
    bases: Sequence[Base], first_base: int, solutions: Sequence[Solution], targets: Sequence[Solution]
) -> dict[str, Tensor]:
    """Of solutions the losses, of targets (the source is base 0 as it is) the free weights, of bases the rest."""
    tensors = {"losses": torch.tensor([loss for each in solutions for loss in each.history], dtype=torch.float64)}
    for i, base in enumerate(bases, first_base):
        tensors |= {f"base.{i}.weights": base.masked.weights, f"base.{i}.free": _packed(base.masked.free)}
        tensors |= {f"base.{i}.state.{name}": each for name, each in _other_state(base.masked).items()}
    by_base: dict[int, list[Tensor]] = {}
    for each in targets:
        by_base.setdefault(each.base, []).append(each.z)
    return tensors | {f"base.{i}.targets": torch.stack(own) for i, own in by_base.items()}


def read_family(path: Path, problem: Problem | str | Path | None, device: torch.device) -> Record:
    """The family in a file; see :func:`pacpinn.load`."""
    stored = container.read_container(path, device)
    with _fitting(path):
        text, tensors = upgrades.upgraded(stored)
        head = schema.from_json(text, Header)
        problem = problem_of(path, head.asked.problem, problem)
        settings = settings_of(head.asked.settings, device)
        bases = [
            Base(_masked(problem, settings, head.shapes, tensors, i), _checked(problem, c))
            for i, c in enumerate(head.bases)
        ]
        return Record(
            problem,
            bases,
            list(_solutions(head.members, 0, tensors, bases, problem)),
            settings,
            _refinement(head.refinement),
            head.asked.requests,
            head.finished,
        )


def read_members(record: Record, path: Path) -> Record:
    """A family with what has come to it, as far as the file of that is whole: a kill may have cut its end short."""
    bases, solutions, refinement = list(record.bases), list(record.solutions), record.refinement
    device, shapes = bases[0].masked.weights.device, _shapes(bases[0].masked)
    try:
        for stored in container.read_parts(path, device):
            with _fitting(path):
                head, tensors = schema.from_json(stored.header, PartHeader), stored.tensors
                if (head.first_base, head.first_member) != (len(bases), len(solutions)):
                    raise ValueError(f"it goes on from {head.first_member} members, there are {len(solutions)}")
                new = [
                    Base(_masked(record.problem, record.settings, shapes, tensors, i), _checked(record.problem, c))
                    for i, c in enumerate(head.bases, head.first_base)
                ]
                members = _solutions(head.members, head.first_member, tensors, [*bases, *new], record.problem)
                solutions += list(members)
                bases += new
                refinement = _refinement(head.refinement)
    except FamilyFileError as damage:
        log.warning("the target and those after it are solved again: %s", damage)
    return replace(record, bases=bases, solutions=solutions, refinement=refinement)


def read_header(path: Path) -> Header:
    """What a file says of its family.

    Raises:
        FamilyFileError: as :func:`read`.
    """
    stored = container.read_container(path, torch.device("cpu"))
    with _fitting(path):
        return schema.from_json(upgrades.upgraded(stored)[0], Header)


@contextmanager
def _fitting(path: Path) -> Iterator[None]:
    """Whatever fails inside is the file's fault, and named so."""
    try:
        yield
    except PacpinnError:
        raise
    except (LookupError, AttributeError, TypeError, ValueError, RuntimeError) as fault:
        raise FamilyFileError(
            f"{path} does not fit the problem it names ({type(fault).__name__}: {fault}); "
            "was the problem's network changed since?"
        ) from fault


def _member(solution: Solution) -> MemberHeader:
    return MemberHeader(
        coefficients=solution.coefficients,
        parent=solution.parent,
        reached=solution.reached,
        base=solution.base,
        status=solution.status,
        steps=solution.steps,
        seconds=solution.seconds,
        residual=_finite(solution.residual),
        tolerance=solution.tolerance,
        metric=None if solution.score is None else solution.score.name,
        error=None if solution.score is None else _finite(solution.score.value),
        losses=len(solution.history),
        error_estimate=_finite(solution.error_estimate),
        singular=solution.singular,
    )


def _solutions(
    members: Sequence[MemberHeader], first: int, tensors: dict[str, Tensor], bases: Sequence[Base], problem: Problem
) -> Iterator[Solution]:
    """Members from the `first` on with their weights and losses, of which all that the file has are taken."""
    if tensors["losses"].dtype != torch.float64:
        raise ValueError(f"losses of type {tensors['losses'].dtype}")
    losses, counts = tensors["losses"].tolist(), [each.losses for each in members]
    if sum(counts) != len(losses) or min(counts, default=0) < 0:
        raise ValueError(f"there are {len(losses)} losses, not {sum(counts)}")
    left = iter(losses)
    rows = {i: iter(tensors[f"base.{i}.targets"]) for i in range(len(bases)) if f"base.{i}.targets" in tensors}
    for k, member in enumerate(members, first):
        if not 0 <= member.base < len(bases):
            raise ValueError(f"member {k} builds on base {member.base} of {len(bases)}")
        zero = bases[member.base].masked.start
        z = zero if k == 0 else next(rows.get(member.base, iter(())), None)
        if z is None or z.shape != zero.shape or z.dtype != zero.dtype or not z.isfinite().all():
            raise ValueError(f"member {k} has not the {len(zero)} finite numbers that its base leaves free")
        yield Solution(
            coefficients=_checked(problem, member.coefficients),
            base=member.base,
            z=z,
            status=member.status,
            steps=member.steps,
            seconds=member.seconds,
            history=list(islice(left, member.losses)),
            residual=_number(member.residual),
            tolerance=member.tolerance,
            score=None if member.metric is None else Score(member.metric, _number(member.error)),
            parent=member.parent,
            reached=member.reached,
            error_estimate=member.error_estimate,
            singular=_singular(problem, member.singular),
        )


def _singular(problem: Problem, found: SingularPoint | None) -> SingularPoint | None:
    return None if found is None else SingularPoint(found.kind, _checked(problem, found.near))


def _refinement_header(refinement: Refinement | None) -> RefinementHeader | None:
    return None if refinement is None else RefinementHeader(**vars(refinement))


def _refinement(head: RefinementHeader | None) -> Refinement | None:
    return None if head is None else Refinement(dict(head.within), head.tolerance, list(head.rounds))


def _checked(problem: Problem, c: Coefficients) -> Coefficients:
    if set(c) != set(problem.coefficients):
        raise ValueError(f"coefficients {c}; expected {', '.join(problem.coefficients)}")
    return problem.at(c)


def _other_state(base: MaskedNetwork) -> dict[str, Tensor]:
    """Buffers and parameters that are never trained."""
    return {name: each for name, each in base.network.state_dict().items() if name not in base.shapes}


def _shapes(base: MaskedNetwork) -> dict[str, list[int]]:
    return {name: list(shape) for name, shape in base.shapes.items()}


def _masked(
    problem: Problem, settings: Settings, shapes: dict[str, list[int]], tensors: dict[str, Tensor], i: int
) -> MaskedNetwork:
    weights = tensors[f"base.{i}.weights"]
    network = problem.initial_network(settings.seed).to(device=weights.device, dtype=weights.dtype)
    prefix = f"base.{i}.state."
    state = {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}
    free = _unpacked(tensors[f"base.{i}.free"], len(weights))
    if not weights.is_floating_point() or not weights.isfinite().all():
        raise ValueError(f"base {i} has weights that are no finite real numbers")
    base = MaskedNetwork(network, weights, free, frozen_buffers=True)
    missing, unexpected = network.load_state_dict(state, strict=False)
    if unexpected or set(missing) - set(base.shapes) or _shapes(base) != shapes:
        raise ValueError(f"the network has weights {_shapes(base)}, the file {shapes}")
    return base


def _packed(mask: Tensor) -> Tensor:
    """Eight weights a byte."""
    return torch.from_numpy(np.packbits(mask.numpy(force=True)))


def _unpacked(packed: Tensor, weights: int) -> Tensor:
    if packed.dtype != torch.uint8 or packed.ndim != 1 or len(packed) != math.ceil(weights / 8):
        raise ValueError(f"a mask of {packed.numel()} bytes for {weights} weights")
    return torch.from_numpy(np.unpackbits(packed.numpy(force=True), count=weights)).to(packed.device, torch.bool)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.inf if value is None else value
