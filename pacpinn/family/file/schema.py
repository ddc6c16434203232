"""What a family file says in words, as types: JSON that does not fit them is refused. See docs/family-file.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from pacpinn.continuation.settings import TreeShape
from pacpinn.continuation.solution import SingularPoint
from pacpinn.reduced_basis.greedy import Round
from pacpinn.runtime.machine import Machine
from pacpinn.solvers.base import Status
from pacpinn.sweep.requests import Request
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range


@dataclass(frozen=True)
class ProblemHeader:
    """Whose family it is.

    Attributes:
        name: the problem's.
        installed: whether a problem of that name comes with pacpinn or a registered package.
        hash: SHA-256 of the file that defines it; empty for one that was defined without a file.
        soft: whether its conditions are residuals.
        span: of a parametric network the range that it has learnt.
    """

    name: str
    installed: bool
    hash: str
    soft: bool
    span: Range | None


@dataclass(frozen=True)
class SettingsHeader:
    """How it was solved: :class:`pacpinn.continuation.settings.Settings` without the device."""

    method: str
    keep: float
    criterion: str
    always_kept: tuple[str, ...]
    always_free: tuple[str, ...]
    solver: Any
    penalty: float | None
    tolerance: float | None
    halvings: int
    bases: int
    batch: int | None
    seed: int
    dtype: str | None
    tree: TreeShape | None = None


@dataclass(frozen=True)
class RunSpec:
    """All that decides a family but the machine: two runs that were asked the same give the same.

    Attributes:
        problem, source, settings: see there.
        requests: what was to be solved, in order.
    """

    problem: ProblemHeader
    source: Coefficients
    settings: SettingsHeader
    requests: Sequence[Request]


@dataclass(frozen=True)
class MemberHeader:
    """One member: :class:`pacpinn.continuation.solution.Solution` without its arrays; None in place of a number that is not finite.

    Attributes:
        losses: how many entries of the file's losses are its own.
    """

    coefficients: Coefficients
    parent: Coefficients | None
    reached: Coefficients | None
    base: int
    status: Status
    steps: int
    seconds: float
    residual: float | None
    tolerance: float | None
    metric: str | None
    error: float | None
    losses: int
    error_estimate: float | None = None
    singular: SingularPoint | None = None


@dataclass(frozen=True)
class RefinementHeader:
    """How far a family refined over a range has come: :class:`pacpinn.reduced_basis.greedy.Refinement`."""

    within: Range
    tolerance: float
    rounds: Sequence[Round]


@dataclass(frozen=True)
class Header:
    """A family's.

    Attributes:
        asked: what was to be solved.
        machine: where it was solved.
        architecture: the network in torch's words, for people to read.
        shapes: of the weights, by name, in the order in which they are joined.
        bases: what each base is allocated to.
        members: the source, then the targets.
        refinement: None if there is no range.
        finished: whether all that was asked for is there.
    """

    asked: RunSpec
    machine: Machine
    architecture: str
    shapes: dict[str, list[int]]
    bases: Sequence[Coefficients]
    members: Sequence[MemberHeader]
    refinement: RefinementHeader | None
    finished: bool


@dataclass(frozen=True)
class PartHeader:
    """What has come to a family since: nothing that is the same for all of it, for there is one for each member.

    Attributes:
        bases, members: the new ones.
        refinement: how far it has come.
        first_base, first_member: the place of the first of them in the whole family.
    """

    bases: Sequence[Coefficients]
    members: Sequence[MemberHeader]
    refinement: RefinementHeader | None
    first_base: int
    first_member: int


def to_json(header: Any) -> str:
    """The header as text."""
    return msgspec.json.encode(header, enc_hook=dict).decode()  # coefficients are the only type that JSON has not


Kind = TypeVar("Kind", Header, PartHeader)


def from_json(text: str, kind: type[Kind]) -> Kind:
    """Inverse of :func:`to_json`.

    Raises:
        ValueError: if it is no JSON, or has other names, types or depth than it should.
    """
    try:
        return msgspec.json.decode(text, type=kind, dec_hook=_own_type)
    except (msgspec.MsgspecError, RecursionError) as problem:
        raise ValueError(str(problem)) from problem


def _own_type(kind: type, value: Any) -> Any:
    if kind is not Coefficients or not isinstance(value, dict):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return Coefficients(**value)


def plain(value: Any) -> Any:
    """A part of a header as dictionaries, lists and numbers."""
    return msgspec.to_builtins(value, enc_hook=dict)


def differences(there: RunSpec, here: RunSpec) -> list[str]:
    """What two runs were asked differently, in words; none if they give the same family."""
    settings = plain(here.settings)
    found = [
        f"{name}: {_in_words(old)} there, {_in_words(settings[name])} asked"
        for name, old in plain(there.settings).items()
        if old != settings[name]
    ]
    if there.source != here.source:
        found.insert(0, f"source: {there.source} there, {here.source} asked")
    problem = plain(here.problem)
    for name, old in plain(there.problem).items():
        if old != problem[name]:
            found.insert(0, "the problem's file: its content has changed" if name == "hash" else f"{name}: {old} there")
    return found + _other_requests(there.requests, here.requests)


def _other_requests(there: Sequence[Request], here: Sequence[Request]) -> list[str]:
    """What is there must be the beginning of what is asked: an interrupted run goes on with the rest."""
    for old, new in zip(there, here, strict=False):
        if (old.what, type(old)) != (new.what, type(new)):
            return [f"{old} there, {new} asked"]
    return [f"{each} there, not asked" for each in there[len(here) :]]


def _in_words(value: Any) -> str:
    return "the default" if value in (None, ()) else f"{value}"
