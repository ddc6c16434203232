"""What memory is left, as the system's files tell it."""

import resource
import sys

import pytest
import torch

from pacpinn.runtime import memory


def group(folder, limit: str, usage: int, version: int, cache: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{usage}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\n")


def left(tmp_path, membership: str) -> int:
    (tmp_path / "cgroup").write_text(membership)
    return min(memory._left_by_groups(tmp_path / "cgroup", tmp_path / "fs"))


def test_this_machine_has_some():
    assert 0 < memory.available_memory(torch.device("cpu")) < 2**50


@pytest.mark.parametrize(("version", "controllers"), [(2, ""), (1, "memory")])
def test_the_tightest_control_group_counts(tmp_path, version, controllers):
    base = tmp_path / "fs" / controllers
    group(base, "max" if version == 2 else str(2**63 - 4096), 0, version)
    group(base / "outer", "1000", 700, version, cache=100)
    group(base / "outer" / "inner", "5000", 200, version)
    assert left(tmp_path, f"1:{controllers}:/outer/inner\n") == 400


def test_a_group_seen_from_inside_its_container_is_the_root(tmp_path):
    group(tmp_path / "fs", "1000", 600, 2)
    assert left(tmp_path, "0::/not/to/be/seen/from/here\n") == 400


def test_no_group_no_limit(tmp_path):
    assert left(tmp_path, "3:cpu:/\n0::/\n") == sys.maxsize
    assert min(memory._left_by_groups(tmp_path / "none", tmp_path)) == sys.maxsize


def test_the_limit_of_the_address_space_counts(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (2**20, 2**20))
    assert memory.available_memory(torch.device("cpu")) == 0  # more is mapped already
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert memory.available_memory(torch.device("cpu")) > 0
