"""Write files: completely or not at all, or by appending to the end of an open file.

Every function here raises :class:`~pacpinn.PacpinnError` if the system cannot write the file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pacpinn.errors import PacpinnError


def write_file(path: Path, data: bytes) -> Path:
    """Write `data` to `path` completely or not at all, and return `path`. Missing folders are made.

    The data go to a temporary file in the same folder, which is synced to the disk and then renamed: after an error an
    earlier file at `path` is unchanged.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with _explaining(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(data)
                _flush_to_disk(file)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return path


def begin_file(path: Path) -> BinaryIO:
    """Create a file to append to. It has no buffer, so that data which a full disk refused are not written later."""
    with _explaining(path):
        return path.open("wb", buffering=0)


def append_to_file(file: BinaryIO, data: bytes) -> None:
    """Write `data` at the end of a file; after an error a part of them may be in it.

    The data survive the end of this process, but a crash of the machine only after :func:`sync_file`.
    """
    with _explaining(Path(file.name)):
        while data:  # a write may take a part only
            data = data[file.write(data) :]


def sync_file(file: BinaryIO) -> None:
    """Wait until all that was written to a file is on the disk."""
    with _explaining(Path(file.name)):
        _flush_to_disk(file)


def _flush_to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise PacpinnError(
            f"{path} cannot be written ({problem.strerror}); choose a folder that may be written to and has room"
        ) from problem


def require_writable(directory: Path) -> None:
    """Check that files can be written to `directory`, which need not exist yet; leave nothing behind."""
    try:
        existing = next(each for each in (directory, *directory.parents) if each.exists())
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as problem:
        raise PacpinnError(
            f"{directory} cannot be written to ({problem.strerror}); choose a folder that may be written to"
        ) from problem
