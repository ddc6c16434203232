"""The versions, threads and processor with which a family is solved: the last bits of its numbers depend on them."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch


@dataclass(frozen=True)
class Machine:
    """Versions of packages, number of threads and processor type: where these agree, results agree to the last bit."""

    versions: Mapping[str, str]
    threads: int
    processor: str

    @classmethod
    def here(cls) -> Machine:
        """The machine that runs this process."""
        return cls(_versions(), torch.get_num_threads(), platform.machine())

    def differences(self, other: Machine) -> list[str]:
        """One line for each fact in which this machine ("here") and another ("there") differ."""
        here, there = ({**each.versions, "threads": each.threads, "on": each.processor} for each in (self, other))
        return [
            f"{name} {there.get(name)} there, {value} here" for name, value in here.items() if value != there.get(name)
        ]


@cache
def _versions() -> dict[str, str]:
    packages = ("pacpinn", "torch", "deepxde", "numpy", "scipy")
    return {name: importlib.metadata.version(name) for name in packages} | {"python": platform.python_version()}
