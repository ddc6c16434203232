"""The family file: safetensors with a versioned JSON header. Never pickle, never code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pacpinn import files
from pacpinn.errors import FamilyFileError

FORMAT = "pacpinn-family"
VERSION = 1


def write(path: Path, header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write header and tensors to `path`, whole or not at all.

    Raises:
        PacpinnError: if it cannot be written; a file that was there before stays whole.
    """
    text = json.dumps(header)
    tensors = {name: each.detach().cpu().clone(memory_format=torch.contiguous_format) for name, each in tensors.items()}
    metadata = {"format": FORMAT, "version": str(VERSION), "header": text, "digest": _digest(text, tensors)}
    files.write(path, save(tensors, metadata))


def read(path: Path, device: torch.device) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header and tensors of a family file.

    Raises:
        FamilyFileError: if there is no such file, it is truncated, not a family file, or of a newer version.
    """
    if not path.is_file():
        raise FamilyFileError(f"there is no family file {path}; 'pacpinn solve' or family.save(path) writes one")
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            metadata = file.metadata() or {}
            _check(path, metadata)
            header: dict[str, Any] = json.loads(metadata["header"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if _digest(metadata["header"], tensors) != metadata["digest"]:
            raise FamilyFileError(f"{path} is damaged: its content is not what was written; solve the family again")
        return header, tensors
    except (SafetensorError, json.JSONDecodeError, KeyError, OSError) as problem:
        raise FamilyFileError(
            f"{path} is truncated, damaged or not a pacpinn family file ({problem}); restore it or solve again"
        ) from problem


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
        digest.update(each.cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
