"""Write files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pacpinn.errors import PacpinnError


def write(path: Path, data: bytes) -> Path:
    """Write `data` to `path`, whole or not at all: to a file beside it, synced, renamed. Its folder is made if need be.

    Raises:
        PacpinnError: if that cannot be done; a file that was there before stays whole.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise PacpinnError(
            f"{path} cannot be written ({problem.strerror}); choose a folder that may be written to and has room"
        ) from problem
    return path


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
