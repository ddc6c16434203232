"""What survives a solve that is cut short: each member is written down when it comes, and all into one file at the end.

Beside ``burgers.pac`` lies, while it is being solved, the folder ``burgers.pac.parts``: ``begin.pac`` is the family as
the last request found it, a second file the members since, one after the other. It is named by the digest of the
first, so that whenever a kill comes between the two, members of something else do not pass for its own.
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
from pacpinn.family.file.codec import Part, Record
from pacpinn.family.file.schema import RunSpec, differences
from pacpinn.reduced_basis.greedy import Refinement
from pacpinn.runtime import files
from pacpinn.runtime.machine import Machine
from pacpinn.tasks.problem import Problem

log = logging.getLogger(__name__)

_BETWEEN_SYNCS = 1.0  # seconds: one takes as long as a part of a target; only a power cut loses what came since


class Journal:
    """The files of a family that is being solved.

    Args:
        path: where the family is to be; :func:`locked` by the caller.
        device: where what is there is to be put.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        self.path, self.folder = path, path.with_name(f"{path.name}.parts")
        self._device = device
        self._members: BinaryIO | None = None  # the file of those since, open from the beginning to the end
        self._there = 0, 0  # bases and members
        self._synced = -math.inf

    def require_room(self, asked: RunSpec, problem: Problem) -> None:
        """There must be nothing that a new run would lose: no other family, and none that is not finished.

        Raises:
            FamilyFileError: saying what is there.
        """
        there = self.resumed(asked, problem)
        if there is not None and not there.finished:
            raise FamilyFileError(
                f"{self.path} is not finished: {len(there.solutions) - 1} targets are solved; --resume goes on from "
                f"there (resume={str(self.path)!r} in Python); to begin anew remove {self._where()}"
            )

    def resumed(self, asked: RunSpec, problem: Problem) -> Record | None:
        """How far an earlier run with the same settings has come; None if there is none.

        Raises:
            FamilyFileError: if there is one with others, naming the difference, or what is there cannot be read.
            PacpinnError: if more is asked for than goes into one file.
        """
        codec.require_room(self.path, asked.requests)
        begin = self.folder / "begin.pac"
        if not begin.exists() and not self.path.exists():
            return None
        path = begin if begin.exists() else self.path
        head = codec.read_header(path)
        found = differences(head.asked, asked)
        if found:
            raise FamilyFileError(
                f"{self.path} holds another run: {'; '.join(found)}; choose another folder (--output on the command "
                f"line), or remove {self._where()}"
            )
        if elsewhere := Machine.here().differences(head.machine):
            log.warning("%s was begun elsewhere (%s): last bits may differ", self.path, ", ".join(elsewhere))
        record = codec.read_family(path, problem, self._device)
        since = self._since(container.digest_of(path))
        return codec.read_members(record, since) if path == begin and since.exists() else record

    def begin(self, record: Record) -> None:
        """From here on members are added to this."""
        self._close()
        since = self._since(codec.write_family(self.folder / "begin.pac", record))
        self._members = files.begin_file(since)
        self._there = len(record.bases), len(record.solutions)
        for other in self.folder.glob("*.members"):
            if other != since:
                other.unlink()

    def add(self, solution: Solution, bases: Sequence[Base], refinement: Refinement | None) -> None:
        """A member has come.

        Args:
            solution: the member.
            bases: all of the family's.
            refinement: how far it has come.
        """
        assert self._members is not None
        first_base, first_member = self._there
        codec.append_member(self._members, Part(solution, bases[first_base:], refinement, first_base, first_member))
        self._there = len(bases), first_member + 1
        if time.monotonic() > self._synced + _BETWEEN_SYNCS:
            files.sync_file(self._members)
            self._synced = time.monotonic()

    def merge(self, record: Record) -> str:
        """One file again; returns its digest."""
        digest = codec.write_family(self.path, record)
        self.clear()
        return digest

    def clear(self) -> None:
        """Remove what is beside the one file, once all is in it."""
        self._close()
        (self.folder / "begin.pac").unlink(missing_ok=True)  # first: without it members say nothing
        shutil.rmtree(self.folder, ignore_errors=True)

    def _close(self) -> None:
        if self._members is not None:
            self._members.close()

    def _since(self, digest: str | None) -> Path:
        return self.folder / f"{digest}.members"

    def _where(self) -> str:
        return str(self.folder if self.folder.exists() else self.path)


@contextmanager
def locked(path: Path, seconds: float = 0.0) -> Iterator[None]:
    """A context in which no other process or thread writes the family file `path`, waited for so many `seconds`.

    Raises:
        FamilyInUse: if another one is at work on it.
        PacpinnError: if its folder cannot be written to.
    """
    file, made = path.with_name(f".{path.name}.lock"), [each for each in path.parents if not each.exists()]
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
        for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
            if left.suffix[1:].isdecimal():  # what a process was writing when it was killed
                left.unlink(missing_ok=True)
        yield
    finally:
        file.unlink(missing_ok=True)  # while it is held: who waits for it sees that it is gone, and makes a new one
        lock.release()
        for folder in made:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
