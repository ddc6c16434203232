"""The bytes of a family file: safetensors with a versioned JSON header and a digest. No pickle, no code."""

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
_LARGEST_HEADER = 2**26  # bytes, about a hundred thousand targets; once parsed it takes several times as much
_COPIES = 3  # of a file's content are in memory while it is read
_LENGTH = 8  # bytes at the beginning of safetensors, which hold the length of their header


class Stored(NamedTuple):
    """The content of a file: the version of its format, its header as JSON, its tensors by name."""

    version: int
    header: str
    tensors: dict[str, Tensor]


def write_container(path: Path, header: str, tensors: dict[str, Tensor]) -> str:
    """Write header and tensors to `path`, whole or not at all, and return their digest.

    Raises:
        PacpinnError: if the file cannot be written, or is too large to be read again; an earlier file stays whole.
    """
    digest, content = _content(header, tensors)
    length = _header_length(content)
    if length > _LARGEST_HEADER:
        raise PacpinnError(
            f"{path} would have a header of {length:,} bytes, and could not be read again; expected "
            f"{_LARGEST_HEADER:,} at most, about a hundred thousand members: solve several families"
        )
    files.write_file(path, content)
    return digest


def append_part(file: BinaryIO, header: str, tensors: dict[str, Tensor]) -> None:
    """Append header and tensors to a file of parts; :func:`read_parts` reads them back."""
    _, content = _content(header, tensors)
    files.append_to_file(file, len(content).to_bytes(_LENGTH, "little") + content)


def read_container(path: Path, device: torch.device) -> Stored:
    """The content of a family file.

    Raises:
        FamilyFileError: if there is no such file, or it is truncated, no family file, of a newer version, or larger
            than memory.
    """
    with _readable(path):
        _require_file(path)
        return _stored(path, path.read_bytes(), device)


def read_parts(path: Path, device: torch.device) -> Iterator[Stored]:
    """The parts that were appended to a file, in order; a FamilyFileError at the first that is not whole."""
    with _readable(path), path.open("rb") as file:
        left = path.stat().st_size
        while left:
            length = int.from_bytes(file.read(_LENGTH), "little")
            left -= _LENGTH + length
            if left < 0:
                raise ValueError("its last part is cut short")
            yield _stored(path, file.read(length), device)


def digest_of(path: Path) -> str | None:
    """The digest in a family file's metadata; None if there is no such file."""
    if not path.exists():
        return None
    with _readable(path):
        length = _require_file(path)
        with path.open("rb") as file:
            return _metadata(file.read(_LENGTH + length)).get("digest")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """A block in which any error means that the file cannot be read."""
    try:
        yield
    except (SafetensorError, AttributeError, KeyError, OSError, ValueError, TypeError, RuntimeError) as damage:
        raise FamilyFileError(
            f"{path} is truncated, damaged or not a pacpinn family file ({damage}); restore it or solve again"
        ) from damage


def _require_file(path: Path) -> int:
    """The length of the header of a file, after a check that the file exists and is small enough to be read."""
    if not path.is_file():
        raise FamilyFileError(f"there is no family file {path}; 'pacpinn solve' or family.save(path) writes one")
    with path.open("rb") as file:
        length = _header_length(file.read(_LENGTH))
    size = path.stat().st_size
    if _LENGTH + length > size:
        raise ValueError(f"{size} bytes, of which its header takes {length}")
    if length > _LARGEST_HEADER or _COPIES * size > available_memory(torch.device("cpu")):
        raise FamilyFileError(
            f"{path} has {size:,} bytes, {length:,} of them its header; expected {_LARGEST_HEADER:,} at most, and no "
            "more than fits into memory: it is not a pacpinn family, or needs a machine with more memory"
        )
    return length


def _content(header: str, tensors: dict[str, Tensor]) -> tuple[str, bytes]:
    """The digest and all bytes of a file."""
    tensors = {name: each.detach().cpu().clone(memory_format=torch.contiguous_format) for name, each in tensors.items()}
    digest = _digest(header, tensors)
    return digest, save(tensors, {"format": FORMAT, "version": str(VERSION), "header": header, "digest": digest})


def _stored(path: Path, content: bytes, device: torch.device) -> Stored:
    tensors = load(content)  # first: it checks that the header is one
    metadata = _metadata(content)
    if metadata.get("format") != FORMAT:
        raise FamilyFileError(f"{path} is a safetensors file but not a pacpinn family; 'pacpinn solve' writes one")
    version = metadata.get("version", "")
    if not version.isdecimal() or not 1 <= int(version) <= VERSION:
        raise FamilyFileError(f"{path} has format version {version!r}; this pacpinn reads up to {VERSION}: upgrade it")
    if _digest(metadata["header"], tensors) != metadata["digest"]:
        raise FamilyFileError(f"{path} is damaged: its content differs from its digest; solve the family again")
    on_device = {name: each.to(device) for name, each in tensors.items()}
    return Stored(int(version), metadata["header"], on_device)


def _header_length(content: bytes) -> int:
    return int.from_bytes(content[:_LENGTH], "little")


def _metadata(content: bytes) -> dict[str, str]:
    metadata: dict[str, str] = json.loads(content[_LENGTH : _LENGTH + _header_length(content)]).get("__metadata__", {})
    return metadata


def _digest(header: str, tensors: dict[str, Tensor]) -> str:
    """SHA-256 of header and tensors: without it a flipped bit would be read as another weight."""
    digest = hashlib.sha256(header.encode())
    for name, each in sorted(tensors.items()):
        digest.update(f"{name} {each.dtype} {tuple(each.shape)}".encode())
        digest.update(each.cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
