"""A family's state, and the header of its file as types: other JSON is refused. See docs/family-file.md."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

import msgspec
from msgspec import Struct, field

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.family.file.problem_state import ProblemState
from pacpinn.reduced_basis.greedy import Refinement
from pacpinn.runtime.machine import Machine
from pacpinn.solvers.base import Solver
from pacpinn.sweep.requests import Request
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range
from pacpinn.tasks.problem import Problem

Kind = TypeVar("Kind", "Header", "PartHeader")
Names = tuple[str, ...]


@dataclass(eq=False)
class Record:
    """The state of a family; for the fields see :class:`pacpinn.Family`, which is a record with methods."""

    problem: Problem
    bases: Sequence[Base]
    solutions: Collection[Solution]
    settings: Settings
    refinement: Refinement | None = None
    requests: Sequence[Request] = ()
    finished: bool = True

    def __post_init__(self) -> None:
        self.bases, self.requests = list(self.bases), list(self.requests)


def _stored(
    kind: type,
    left_out: Collection[str],
    stored_as: Mapping[str, Any],
    first: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> type[Struct]:
    """A struct with the fields of the dataclass `kind`, except those `left_out`; `first` states which come first.

    `stored_as` are types of fields that JSON holds in another form, and of the header's own fields. Fields that are
    `optional` were added to the format later; they are None in files that lack them.
    """
    hints = get_type_hints(kind, localns={"Solver": Solver})  # a forward reference in SolverChoice
    types = {name: each for name, each in hints.items() if name not in left_out} | dict(stored_as)
    required = [(name, types[name]) for name in dict.fromkeys([*first, *types]) if name not in optional]
    return msgspec.defstruct(kind.__name__, [*required, *((name, types[name], None) for name in optional)], frozen=True)


class SettingsHeader(
    _stored(  # type: ignore[misc]
        Settings,
        left_out=["device"],
        stored_as={"criterion": str, "always_kept": Names, "always_free": Names, "solver": Any, "dtype": str | None},
        optional=["tree", "effort"],
    )
):
    """The fields of :class:`pacpinn.Settings` but for the device; criterion, solver and dtype by name."""


class MemberHeader(
    _stored(  # type: ignore[misc]
        Solution,
        left_out=["z", "history", "score"],
        stored_as={"residual": float | None, "metric": str | None, "error": float | None, "losses": int},
        first=["coefficients", "parent", "reached"],
        optional=["error_estimate", "error_bound", "singular"],
    )
):
    """The fields of :class:`pacpinn.Solution` but for its arrays; a number that is not finite is null.

    `metric` and `error` are name and value of the score; `losses` is the length of the history, which stands in the
    file's tensor ``losses``.
    """


@dataclass(frozen=True)
class ProblemHeader:
    """The problem of a family.

    Attributes:
        installed: whether a problem of that name comes with pacpinn or a registered package.
        hash: SHA-256 of the file that defines the problem; empty for a problem that was defined without a file.
        soft: whether its conditions are residuals.
        span: of a parametric network: the range of coefficients that it has learnt.
    """

    name: str
    installed: bool
    hash: str
    soft: bool
    span: Range | None


@dataclass(frozen=True)
class RunSpec:
    """All that decides a family except the machine: runs with equal specifications give the same family."""

    problem: ProblemHeader
    source: Coefficients
    settings: SettingsHeader
    requests: Sequence[Request]


class Header(Struct, frozen=True):
    """The header of a family file.

    Attributes:
        run_spec: what was to be solved; ``asked`` in the file.
        machine: where it was solved.
        architecture: torch's description of the network, for people to read.
        shapes: shapes of the weights by name, in the order in which the weights are joined.
        bases: for each base, the coefficients to which it is allocated.
        members: the source, then the targets.
        refinement, finished: as in :class:`Record`.
        state: what the family keeps of its problem; None in files of version 0.1.
    """

    run_spec: RunSpec = field(name="asked")
    machine: Machine
    architecture: str
    shapes: dict[str, list[int]]
    bases: Sequence[Coefficients]
    members: Sequence[MemberHeader]
    refinement: Refinement | None
    finished: bool
    state: ProblemState | None = None


class PartHeader(Struct, frozen=True):
    """The header of a part that is appended for each new member; it repeats nothing of the family's header.

    Attributes:
        bases, members: those that are new with this part.
        refinement: the refinement after this member.
        first_base, first_member: how many bases and members the family had before.
    """

    bases: Sequence[Coefficients]
    members: Sequence[MemberHeader]
    refinement: Refinement | None
    first_base: int
    first_member: int


def to_json(header: Header | PartHeader) -> str:
    """The header as text; numbers that are not finite become null."""
    return msgspec.json.encode(header, enc_hook=dict).decode()  # only coefficients are of a type that JSON lacks


def from_json(text: str, kind: type[Kind]) -> Kind:
    """Inverse of :func:`to_json`; a ValueError if the text is not JSON, or does not fit the header's types."""
    try:
        return msgspec.json.decode(text, type=kind, dec_hook=_decode_coefficients)
    except (msgspec.MsgspecError, RecursionError) as problem:
        raise ValueError(str(problem)) from problem


def _decode_coefficients(kind: type, value: Any) -> Any:
    if kind is not Coefficients or not isinstance(value, dict):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return Coefficients(**value)


def plain(value: Any) -> Any:
    """A part of a header as dictionaries, lists and numbers."""
    return msgspec.to_builtins(value, enc_hook=dict)
