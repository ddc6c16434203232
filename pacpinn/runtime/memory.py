"""How much memory is available: asked before a solve, since the system kills a process that runs out without a word."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

_CGROUPS = Path("/sys/fs/cgroup")
_GROUP_FILES = [("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")]  # versions 2, 1


def available_memory(device: torch.device) -> int:
    """Bytes that this process can still allocate on `device`.

    On the CPU the smallest of three limits counts: what is left of the machine's memory, of the process's control
    groups (Linux cgroups, which containers and batch systems set) and of its address space (``ulimit -v``).
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return min(_left_on_machine(), *_left_by_groups(), _left_of_address_space())


def _left_on_machine() -> int:
    try:
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError, OSError):
            return sys.maxsize


def _left_by_groups(membership: Path = Path("/proc/self/cgroup"), root: Path = _CGROUPS) -> Iterator[int]:
    """The bytes left to this process's control group, and to each group that contains it."""
    yield sys.maxsize
    try:
        groups = [line.split(":", 2)[1:] for line in membership.read_text().splitlines()]
    except OSError:
        return
    for controllers, path in groups:
        if controllers in ("", "memory"):
            base = root / controllers
            innermost = base / path.lstrip("/")
            for group in [innermost, *innermost.parents]:
                if group.is_relative_to(base):
                    yield from _left_by(group)


def _left_by(group: Path) -> Iterator[int]:
    for limit, usage in _GROUP_FILES:
        try:
            most, used = (group / limit).read_text().strip(), int((group / usage).read_text())
            statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):
            continue
        if most != "max":
            freed_on_demand = int(statistics.get("inactive_file", 0))  # the file cache
            yield max(0, int(most) - used + freed_on_demand)


def _left_of_address_space() -> int:
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return sys.maxsize
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return max(0, limit - pages * os.sysconf("SC_PAGE_SIZE"))
    except (ImportError, OSError):
        return sys.maxsize
