"""Keeps what is solved when a process is killed: each member is appended to a file as soon as it is solved.

While ``burgers.pac`` is being solved, a folder ``burgers.pac.parts`` lies beside it. In it, ``begin.pac`` is the family
as it was when the last request began, and ``DIGEST.members`` holds the members solved since, one after the other. It is
named by the digest of ``begin.pac``: after a kill between the writing of the two files, members of an earlier request
are not taken for members of this one. At the end all is merged into ``burgers.pac``.
"""

from __future__ import annotations

import glob
import logging
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import torch
from filelock import FileLock, Timeout

from pacpinn.continuation.solution import Base, Solution
from pacpinn.errors import FamilyFileError, FamilyInUse, PacpinnError
from pacpinn.family.file import codec, container
from pacpinn.family.file.provenance import differences
from pacpinn.family.file.schema import Header, Record, RunSpec
from pacpinn.reduced_basis.greedy import Refinement
from pacpinn.runtime import files
from pacpinn.runtime.machine import Machine
from pacpinn.tasks.problem import Problem

log = logging.getLogger(__name__)

_BETWEEN_SYNCS = 1.0  # seconds: a sync may take as long as a target; a power cut loses what was written since the last


class Journal:
    """The files of a family that is being solved.

    Args:
        path: the family's file at the end; the caller has :func:`locked` it.
        device: where to put the tensors of an earlier run.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        self.path, self.folder = path, path.with_name(f"{path.name}.parts")
        self._begin = self.folder / "begin.pac"
        self._device = device
        self._members: BinaryIO | None = None  # open from `begin` to `merge`
        self._written = 0, 0  # bases and members
        self._synced = -math.inf

    def earlier_run(self, run_spec: RunSpec, problem: Problem, resume: bool) -> Record | None:
        """The family as far as an earlier run of the same specification has solved it.

        None if there was no such run, or if it is not to be resumed and a new run in its place loses nothing.

        Raises:
            FamilyFileError: if the earlier run was another one, naming the difference, if it cannot be read, or if it
                is neither finished nor to be resumed.
        """
        codec.require_one_file(self.path, run_spec.requests)
        path = self._begin if self._begin.exists() else self.path
        if not path.exists():
            return None
        self._require_same_run(codec.read_header(path), run_spec)
        family = codec.read_family(path, problem, self._device)
        members = self._members_since(container.digest_of(path))
        if path == self._begin and members.exists():
            family = codec.read_appended(family, members)
        if not resume and not family.finished:
            raise FamilyFileError(
                f"{self.path} is not finished: {len(family.solutions) - 1} targets are solved; --resume goes on from "
                f"there (resume={str(self.path)!r} in Python); to begin anew remove {self._where()}"
            )
        return family if resume else None

    def begin(self, family: Record) -> None:
        """Write a family; members that are added from here on belong to it."""
        self._close()
        path = self._members_since(codec.write_family(self._begin, family))
        self._members = files.begin_file(path)
        self._written = len(family.bases), len(family.solutions)
        for other in self.folder.glob("*.members"):
            if other != path:
                other.unlink()

    def add(self, solution: Solution, bases: Sequence[Base], refinement: Refinement | None) -> None:
        """Append a member that has been solved, with all bases and the refinement of the family after it."""
        assert self._members is not None
        codec.append_member(self._members, solution, bases, refinement, self._written)
        self._written = len(bases), self._written[1] + 1
        if time.monotonic() > self._synced + _BETWEEN_SYNCS:
            files.sync_file(self._members)
            self._synced = time.monotonic()

    def merge(self, family: Record) -> str:
        """Write the whole family to its one file and remove the parts; returns the file's digest."""
        digest = codec.write_family(self.path, family)
        self.clear()
        return digest

    def clear(self) -> None:
        """Remove the folder of parts, once all of them are in the family's file."""
        self._close()
        self._begin.unlink(missing_ok=True)  # first: without it the other files are not read
        shutil.rmtree(self.folder, ignore_errors=True)

    def _require_same_run(self, header: Header, run_spec: RunSpec) -> None:
        if found := differences(header.run_spec, run_spec):
            raise FamilyFileError(
                f"{self.path} holds another run: {'; '.join(found)}; choose another folder (--output on the command "
                f"line), or remove {self._where()}"
            )
        if elsewhere := Machine.here().differences(header.machine):
            log.warning("%s was begun elsewhere (%s): last bits may differ", self.path, ", ".join(elsewhere))

    def _close(self) -> None:
        if self._members is not None:
            self._members.close()

    def _members_since(self, digest: str | None) -> Path:
        return self.folder / f"{digest}.members"

    def _where(self) -> str:
        return str(self.folder if self.folder.exists() else self.path)


@contextmanager
def locked(path: Path, seconds: float = 0.0) -> Iterator[None]:
    """A block in which no other process or thread writes the family file `path`, whose folder is made if need be.

    Raises:
        FamilyInUse: if another process or thread still holds the file after so many `seconds`.
        PacpinnError: if its folder cannot be written to.
    """
    file, new_folders = path.with_name(f".{path.name}.lock"), [each for each in path.parents if not each.exists()]
    lock = FileLock(file, timeout=seconds)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise FamilyInUse(
            f"another process or thread is solving or saving {path}; wait for it, or choose another file"
        ) from None
    except OSError as problem:
        raise PacpinnError(
            f"{path} cannot be written ({problem.strerror}); choose a folder that may be written to and has room"
        ) from problem
    try:
        for left in path.parent.glob(f".{glob.escape(path.name)}.*"):  # by processes killed while they wrote `path`
            if left.suffix[1:].isdecimal():
                left.unlink(missing_ok=True)
        yield
    finally:
        file.unlink(missing_ok=True)  # while it is held: a process that waits sees that it is gone and makes a new one
        lock.release()
        for folder in new_folders:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
