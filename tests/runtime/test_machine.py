"""Versions, threads and processor, and how two machines differ."""

import platform
from dataclasses import replace

import torch

import pacpinn as pp
from pacpinn.runtime.machine import Machine


def test_this_process_is_described():
    here = Machine.here()
    assert here.threads == torch.get_num_threads()
    assert here.processor == platform.machine()
    assert here.versions["python"] == platform.python_version()
    assert here.versions["torch"] == torch.__version__
    assert set(here.versions) == {"pacpinn", "torch", "deepxde", "numpy", "scipy", "python"}
    assert here.versions["pacpinn"] == pp.__version__


def test_a_machine_does_not_differ_from_itself():
    assert Machine.here().differences(Machine.here()) == []


def test_differences_are_named_with_both_values():
    here = Machine({"torch": "2.9", "numpy": "2.0"}, threads=4, processor="x86_64")
    there = replace(here, versions={"torch": "2.3"}, threads=1)
    assert here.differences(there) == [
        "torch 2.3 there, 2.9 here",
        "numpy None there, 2.0 here",
        "threads 1 there, 4 here",
    ]
    assert here.differences(replace(here, processor="arm64")) == ["on arm64 there, x86_64 here"]
