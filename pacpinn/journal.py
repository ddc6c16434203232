"""What survives a solve that is cut short: each member in a small file of its own, merged into one at the end.

Beside ``burgers.pac`` lies, while it is being solved, the folder ``burgers.pac.parts``: ``begin.pac`` is the family as
the last request found it, ``000001.pac`` and so on are the members since, by their place in the family.
"""

from __future__ import annotations

import glob
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from pacpinn import archive
from pacpinn.archive import Record, Since
from pacpinn.errors import FamilyFileError, FamilyInUse, PacpinnError
from pacpinn.header import Asked, Machine, differences
from pacpinn.problem import Problem

log = logging.getLogger(__name__)


class Journal:
    """The files of a family that is being solved.

    Args:
        path: where the family is to be; :func:`locked` by the caller.
        device: where what is there is to be put.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        self.path, self.folder = path, path.with_name(f"{path.name}.parts")
        self._device = device
        self._since = Since()

    def require_room(self, asked: Asked, problem: Problem) -> None:
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

    def resumed(self, asked: Asked, problem: Problem) -> Record | None:
        """How far an earlier run with the same settings has come; None if there is none.

        Raises:
            FamilyFileError: if there is one with others, naming the difference, or what is there cannot be read.
        """
        begin = self.folder / "begin.pac"
        if not begin.exists() and not self.path.exists():
            return None
        path = begin if begin.exists() else self.path
        head = archive.header_of(path)
        found = differences(head.asked, asked)
        if found:
            raise FamilyFileError(
                f"{self.path} holds another run: {'; '.join(found)}; choose another folder (--output on the command "
                f"line), or remove {self._where()}"
            )
        if elsewhere := Machine.here().differences(head.machine):
            log.warning("%s was begun elsewhere (%s): last bits may differ", self.path, ", ".join(elsewhere))
        record = archive.read(path, problem, self._device)
        return record if path == self.path else self._with_parts(record)

    def begin(self, record: Record) -> None:
        """From here on members are added to this.

        In an order that loses nothing, whenever it is cut short: parts that are none of the record's, which would pass
        for its next members, go first; those that are in it go when it is written.
        """
        count = len(record.solutions)
        self._remove(lambda place: place >= count)
        archive.write(self.folder / "begin.pac", record)
        self._remove(lambda place: place < count)
        self._since = Since(len(record.bases), count)

    def add(self, record: Record) -> None:
        """The record has come to hold more."""
        archive.write_part(self._part(len(record.solutions) - 1), record, self._since)
        self._since = Since(len(record.bases), len(record.solutions))

    def merge(self, record: Record) -> str:
        """One file again; returns its digest."""
        digest = archive.write(self.path, record)
        self.clear()
        return digest

    def clear(self) -> None:
        """Remove what is beside the one file, once all is in it."""
        (self.folder / "begin.pac").unlink(missing_ok=True)  # first: without it parts say nothing
        shutil.rmtree(self.folder, ignore_errors=True)

    def _with_parts(self, record: Record) -> Record:
        """The members since, as far as their files are whole: the last one may have been cut short with its disk."""
        while (part := self._part(len(record.solutions))).exists():
            try:
                record = archive.extended(record, part)
            except FamilyFileError as damage:
                log.warning("%s; its target and those after it are solved again", damage)
                break
        return record

    def _part(self, place: int) -> Path:
        return self.folder / f"{place:06d}.pac"

    def _remove(self, chosen: Callable[[int], bool]) -> None:
        for part in self.folder.glob("*[0-9].pac"):
            if part.stem.isdecimal() and chosen(int(part.stem)):
                part.unlink()

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
