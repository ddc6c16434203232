"""The family file: safetensors with a versioned JSON header. Never pickle, never code."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pacpinn import files
from pacpinn.errors import FamilyFileError
from pacpinn.memory import available_memory

FORMAT = "pacpinn-family"
VERSION = 2
_LARGEST_HEADER = 2**26  # bytes: some hundred thousand targets; parsed it takes several times as much
_COPIES = 3  # of its content in memory, while it is read


class Stored(NamedTuple):
    """What is in a file: its format's version, its header as JSON, its tensors by name."""

    version: int
    header: str
    tensors: dict[str, Tensor]


def write(path: Path, header: str, tensors: dict[str, Tensor]) -> str:
    """Write header and tensors to `path`, whole or not at all, and return the digest of both.

    Raises:
        PacpinnError: if it cannot be written; a file that was there before stays whole.
    """
    tensors = {name: each.detach().cpu().clone(memory_format=torch.contiguous_format) for name, each in tensors.items()}
    digest = _digest(header, tensors)
    metadata = {"format": FORMAT, "version": str(VERSION), "header": header, "digest": digest}
    files.write(path, save(tensors, metadata))
    return digest


def read(path: Path, device: torch.device) -> Stored:
    """What is in a family file.

    Raises:
        FamilyFileError: if there is no such file, it is truncated, not a family file, of a newer version, or larger
            than memory.
    """
    try:
        with _opened(path, device) as file:
            metadata = file.metadata() or {}
            _check(path, metadata)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if _digest(metadata["header"], tensors) != metadata["digest"]:
            raise FamilyFileError(f"{path} is damaged: its content is not what was written; solve the family again")
        return Stored(int(metadata["version"]), metadata["header"], tensors)
    except _DAMAGES as damage:
        raise _damaged(path, damage) from damage


def digest_of(path: Path) -> str | None:
    """The digest that a family file says it has; None if there is none.

    Raises:
        FamilyFileError: as :func:`read`.
    """
    if not path.exists():
        return None
    try:
        with _opened(path, torch.device("cpu")) as file:
            return (file.metadata() or {}).get("digest")
    except _DAMAGES as damage:
        raise _damaged(path, damage) from damage


_DAMAGES = (SafetensorError, KeyError, OSError, ValueError, TypeError, RuntimeError)


def _damaged(path: Path, damage: Exception) -> FamilyFileError:
    return FamilyFileError(
        f"{path} is truncated, damaged or not a pacpinn family file ({damage}); restore it or solve again"
    )


def _opened(path: Path, device: torch.device) -> Any:
    """The file, once it is known that neither its header nor its content is too large to be looked at."""
    if not path.is_file():
        raise FamilyFileError(f"there is no family file {path}; 'pacpinn solve' or family.save(path) writes one")
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    size = path.stat().st_size
    if 8 + header > size:
        raise ValueError(f"{size} bytes, of which its header takes {header}")
    if header > _LARGEST_HEADER or _COPIES * size > available_memory(torch.device("cpu")):
        raise FamilyFileError(
            f"{path} has {size:,} bytes, {header:,} of them its header; expected {_LARGEST_HEADER:,} at most, and no "
            "more than fits into memory: it is no family of ours, or belongs on a larger machine"
        )
    return safe_open(path, framework="pt", device=str(device))


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
