"""A family as the header and tensors of one file, and back; and each new member as a part appended to another file."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import torch

from pacpinn.continuation.solution import Base, Solution
from pacpinn.errors import FamilyFileError, PacpinnError
from pacpinn.family.file import container, schema, upgrades
from pacpinn.family.file.problem_state import problem_state, restored
from pacpinn.family.file.provenance import problem_of, run_spec, settings_of
from pacpinn.family.file.schema import Header, PartHeader, ProblemHeader, Record
from pacpinn.family.file.tensors import base_tensors, member_header, member_tensors, read_bases, read_members, shapes_of
from pacpinn.reduced_basis.greedy import Refinement
from pacpinn.runtime.machine import Machine
from pacpinn.sweep.requests import Request, TargetRequest
from pacpinn.tasks.problem import Problem

log = logging.getLogger(__name__)

# Installed problems whose features or transform are others than in version 0.1, for the same network.
_OTHER_THAN_IN_0_1 = {"cavity", "heat_2d", "helmholtz", "korteweg_de_vries", "wave"}
_MOST_MEMBERS = 50_000  # with three coefficients their header takes 24 MB; at most 64 MiB are read


def require_one_file(path: Path, requests: Sequence[Request]) -> None:
    """Check that all members that are asked for go into one file; a PacpinnError if they do not."""
    members = max((each.begun + len(each.targets) for each in requests if isinstance(each, TargetRequest)), default=0)
    if members > _MOST_MEMBERS:
        raise PacpinnError(
            f"{members:,} members are asked for in {path}; one family file holds {_MOST_MEMBERS:,}: solve several "
            "families, each with a file of its own"
        )


def write_family(path: Path, family: Record) -> str:
    """Write a family to one file, whole or not at all, and return the digest of its content.

    The file holds each base once, and of each target its free weights.
    """
    source, *targets = family.solutions
    masked = family.bases[0].masked
    header = Header(
        run_spec=run_spec(family.problem, source.coefficients, family.settings, family.requests),
        machine=Machine.here(),
        architecture=str(masked.network),
        shapes=shapes_of(masked),
        bases=[each.coefficients for each in family.bases],
        members=[member_header(each) for each in family.solutions],
        refinement=family.refinement,
        finished=family.finished,
        state=problem_state(family.problem),
    )
    tensors = member_tensors([source, *targets], targets) | base_tensors(family.bases, first=0)
    return container.write_container(path, schema.to_json(header), tensors)


def append_member(
    file: BinaryIO, solution: Solution, bases: Sequence[Base], refinement: Refinement | None, before: tuple[int, int]
) -> None:
    """Append a member to a file of parts, with the bases that are new with it; :func:`read_appended` reads them back.

    `bases` and `refinement` are the family's after this member; `before` are its numbers of bases and members before.
    """
    new_bases = bases[before[0] :]
    header = PartHeader([each.coefficients for each in new_bases], [member_header(solution)], refinement, *before)
    tensors = member_tensors([solution], [solution]) | base_tensors(new_bases, header.first_base)
    container.append_part(file, schema.to_json(header), tensors)


def read_family(path: Path, problem: Problem | str | Path | None, device: torch.device) -> Record:
    """The family in a file; see :func:`pacpinn.load`."""
    stored = container.read_container(path, device)
    with _fitting(path):
        text, tensors = upgrades.upgraded(stored)
        header = schema.from_json(text, Header)
        if header.state is None:
            _require_formulas_of_0_1(path, header.run_spec.problem)
        problem = restored(problem_of(path, header.run_spec.problem, problem), header.state)
        settings = settings_of(header.run_spec.settings, device)
        bases = read_bases(problem, settings, header.shapes, header.bases, 0, tensors)
        solutions = read_members(problem, bases, header.members, 0, tensors)
        return Record(problem, bases, solutions, settings, header.refinement, header.run_spec.requests, header.finished)


def _require_formulas_of_0_1(path: Path, header: ProblemHeader) -> None:
    """Refuse a family of version 0.1 whose network would now be read by other formulas: its answers would be wrong."""
    if header.installed and header.name in _OTHER_THAN_IN_0_1:
        raise FamilyFileError(
            f"{path} was solved by version 0.1, in which {header.name} had other features or another transform: its "
            "network would give wrong answers now. Solve it again, or load it with version 0.1"
        )


def read_appended(family: Record, path: Path) -> Record:
    """A family with the members that were appended to a file; a kill may have cut the last one short."""
    problem, settings, refinement = family.problem, family.settings, family.refinement
    bases, solutions = list(family.bases), list(family.solutions)
    device, shapes = bases[0].masked.weights.device, shapes_of(bases[0].masked)
    try:
        for stored in container.read_parts(path, device):
            with _fitting(path):
                header, tensors = schema.from_json(stored.header, PartHeader), stored.tensors
                if (header.first_base, header.first_member) != (len(bases), len(solutions)):
                    raise ValueError(f"a part goes on from {header.first_member} members; expected {len(solutions)}")
                new = read_bases(problem, settings, shapes, header.bases, header.first_base, tensors)
                solutions += read_members(problem, [*bases, *new], header.members, header.first_member, tensors)
                bases += new
                refinement = header.refinement
    except FamilyFileError as damage:
        log.warning("the target and those after it are solved again: %s", damage)
    return replace(family, bases=bases, solutions=solutions, refinement=refinement)


def read_header(path: Path) -> Header:
    """The header of a family file of any version; raises as :func:`pacpinn.load`."""
    stored = container.read_container(path, torch.device("cpu"))
    with _fitting(path):
        return schema.from_json(upgrades.upgraded(stored)[0], Header)


@contextmanager
def _fitting(path: Path) -> Iterator[None]:
    """A block in which any error means that the file does not fit the problem."""
    try:
        yield
    except PacpinnError:
        raise
    except (LookupError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise FamilyFileError(
            f"{path} does not fit the problem it names ({type(error).__name__}: {error}); "
            "has the problem's network changed since the family was solved?"
        ) from error
