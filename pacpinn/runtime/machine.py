"""Where a family is solved: versions, threads and processor, on which the last bits depend."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch


@dataclass(frozen=True)
class Machine:
    """Where it was solved: the same versions and threads give the same bits."""

    versions: Mapping[str, str]
    threads: int
    processor: str

    @classmethod
    def here(cls) -> Machine:
        return cls(_versions(), torch.get_num_threads(), platform.machine())

    def differences(self, other: Machine) -> list[str]:
        """What may change the last bits of a result, in words: how it is here and there."""
        ours, theirs = ({**each.versions, "threads": each.threads, "on": each.processor} for each in (self, other))
        return [
            f"{name} {theirs.get(name)} there, {each} here" for name, each in ours.items() if each != theirs.get(name)
        ]


@cache
def _versions() -> dict[str, str]:
    packages = ("pacpinn", "torch", "deepxde", "numpy", "scipy")
    return {name: importlib.metadata.version(name) for name in packages} | {"python": platform.python_version()}
