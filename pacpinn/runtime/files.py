"""Write files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pacpinn.errors import PacpinnError


def write_file(path: Path, data: bytes) -> Path:
    """Write `data` to `path`, whole or not at all: to a file beside it, synced, renamed. Its folder is made if need be.

    Raises:
        PacpinnError: if that cannot be done; a file that was there before stays whole.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(data)
                _to_disk(file)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return path


def begin_file(path: Path) -> BinaryIO:
    """A new file to be appended to, without a buffer: what a full disk has refused is not written later.

    Raises:
        PacpinnError: if it cannot be made.
    """
    with _writing(path):
        return path.open("wb", buffering=0)


def append_to_file(file: BinaryIO, data: bytes) -> None:
    """Write `data` at the end of a file: it outlives this process, but not the machine until :func:`sync`.

    Raises:
        PacpinnError: if that cannot be done; then part of it may be there.
    """
    with _writing(Path(file.name)):
        while data:
            data = data[file.write(data) :]


def sync_file(file: BinaryIO) -> None:
    """See what is written to the disk.

    Raises:
        PacpinnError: if that cannot be done.
    """
    with _writing(Path(file.name)):
        _to_disk(file)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """A block in which `path` is written; what the system has against it is said."""
    try:
        yield
    except OSError as problem:
        raise PacpinnError(
            f"{path} cannot be written ({problem.strerror}); choose a folder that may be written to and has room"
        ) from problem


def require_writable(directory: Path) -> None:
    """Raise :class:`PacpinnError` unless `directory` takes files, or can be made; nothing is left behind."""
    try:
        there = next(each for each in (directory, *directory.parents) if each.exists())
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as problem:
        raise PacpinnError(
            f"{directory} cannot be written to ({problem.strerror}); choose a folder that may be written to"
        ) from problem
