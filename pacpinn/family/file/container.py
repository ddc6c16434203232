"""The family file: safetensors with a versioned JSON header. Never pickle, never code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from pacpinn.errors import FamilyFileError, PacpinnError
from pacpinn.runtime import files
from pacpinn.runtime.memory import available_memory

FORMAT = "pacpinn-family"
VERSION = 2
_LARGEST_HEADER = 2**26  # bytes: some hundred thousand targets; parsed it takes several times as much
_COPIES = 3  # of its content in memory, while it is read


class Stored(NamedTuple):
    """What is in a file: its format's version, its header as JSON, its tensors by name."""

    version: int
    header: str
    tensors: dict[str, Tensor]


def write_container(path: Path, header: str, tensors: dict[str, Tensor]) -> str:
    """Write header and tensors to `path`, whole or not at all, and return the digest of both.

    Raises:
        PacpinnError: if it cannot be written, or could not be read again; a file that was there before stays whole.
    """
    digest, content = _content(header, tensors)
    length = _header_length(content)
    if length > _LARGEST_HEADER:
        raise PacpinnError(
            f"{path} would have a header of {length:,} bytes, and could not be read again; expected "
            f"{_LARGEST_HEADER:,} at most, some hundred thousand members: solve several families"
        )
    files.write_file(path, content)
    return digest


def append_part(file: BinaryIO, header: str, tensors: dict[str, Tensor]) -> None:
    """Write header and tensors at the end of a file of such parts; :func:`parts` finds them again.

    Raises:
        PacpinnError: if they cannot be written.
    """
    _, content = _content(header, tensors)
    files.append_to_file(file, len(content).to_bytes(_LENGTH, "little") + content)


def read_container(path: Path, device: torch.device) -> Stored:
    """What is in a family file.

    Raises:
        FamilyFileError: if there is no such file, it is truncated, not a family file, of a newer version, or larger
            than memory.
    """
    with _readable(path):
        _require_file(path)
        return _stored(path, path.read_bytes(), device)


def read_parts(path: Path, device: torch.device) -> Iterator[Stored]:
    """What has been appended to a file, in its order.

    Raises:
        FamilyFileError: where one of them is not whole, as a process that was killed leaves the last one.
    """
    with _readable(path), path.open("rb") as file:
        left = path.stat().st_size
        while left:
            length = int.from_bytes(file.read(_LENGTH), "little")
            left -= _LENGTH + length
            if left < 0:
                raise ValueError("its last part is cut short")
            yield _stored(path, file.read(length), device)


def digest_of(path: Path) -> str | None:
    """The digest that a family file says it has; None if there is none.

    Raises:
        FamilyFileError: as :func:`read`.
    """
    if not path.exists():
        return None
    with _readable(path):
        header = _require_file(path)
        with path.open("rb") as file:
            return _metadata(file.read(_LENGTH + header)).get("digest")


_LENGTH = 8  # bytes, in which safetensors say how many their header has


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """A block in which whatever fails is the file's fault, and named so."""
    try:
        yield
    except (SafetensorError, AttributeError, KeyError, OSError, ValueError, TypeError, RuntimeError) as damage:
        raise FamilyFileError(
            f"{path} is truncated, damaged or not a pacpinn family file ({damage}); restore it or solve again"
        ) from damage


def _require_file(path: Path) -> int:
    """There must be one, and neither its header, whose length is returned, nor its content too large to look at."""
    if not path.is_file():
        raise FamilyFileError(f"there is no family file {path}; 'pacpinn solve' or family.save(path) writes one")
    with path.open("rb") as file:
        header = _header_length(file.read(_LENGTH))
    size = path.stat().st_size
    if _LENGTH + header > size:
        raise ValueError(f"{size} bytes, of which its header takes {header}")
    if header > _LARGEST_HEADER or _COPIES * size > available_memory(torch.device("cpu")):
        raise FamilyFileError(
            f"{path} has {size:,} bytes, {header:,} of them its header; expected {_LARGEST_HEADER:,} at most, and no "
            "more than fits into memory: it is no family of ours, or belongs on a larger machine"
        )
    return header


def _content(header: str, tensors: dict[str, Tensor]) -> tuple[str, bytes]:
    """The digest and all bytes of a file."""
    tensors = {name: each.detach().cpu().clone(memory_format=torch.contiguous_format) for name, each in tensors.items()}
    digest = _digest(header, tensors)
    return digest, save(tensors, {"format": FORMAT, "version": str(VERSION), "header": header, "digest": digest})


def _stored(path: Path, content: bytes, device: torch.device) -> Stored:
    """What is in the bytes that came from a file."""
    tensors = load(content)  # first: it sees to it that what it calls its header is one
    metadata = _metadata(content)
    _check(path, metadata)
    if _digest(metadata["header"], tensors) != metadata["digest"]:
        raise FamilyFileError(f"{path} is damaged: its content is not what was written; solve the family again")
    on_device = {name: each.to(device) for name, each in tensors.items()}
    return Stored(int(metadata["version"]), metadata["header"], on_device)


def _header_length(content: bytes) -> int:
    return int.from_bytes(content[:_LENGTH], "little")


def _metadata(content: bytes) -> dict[str, str]:
    metadata: dict[str, str] = json.loads(content[_LENGTH : _LENGTH + _header_length(content)]).get("__metadata__", {})
    return metadata


def _check(path: Path, metadata: dict[str, str]) -> None:
    if metadata.get("format") != FORMAT:
        raise FamilyFileError(f"{path} is a safetensors file but not a pacpinn family; 'pacpinn solve' writes one")
    version = metadata.get("version", "")
    if not version.isdecimal() or not 1 <= int(version) <= VERSION:
        raise FamilyFileError(f"{path} has format version {version!r}; this pacpinn reads up to {VERSION}: upgrade it")


def _digest(header: str, tensors: dict[str, Tensor]) -> str:
    """SHA-256 of all content: without it a flipped bit would pass for a weight."""
    digest = hashlib.sha256(header.encode())
    for name, each in sorted(tensors.items()):
        digest.update(f"{name} {each.dtype} {tuple(each.shape)}".encode())
        digest.update(each.cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
