"""What all tests share."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

import pacpinn as pp
from pacpinn.runtime import deepxde_backend  # noqa: F401  (brings DeepXDE in with the right backend, before any test imports it)
from tests.toys import Decay

torch.set_num_threads(1)  # the tasks are tiny: threads that wait for each other cost more than they give


@pytest.fixture(scope="session")
def solved_decay() -> pp.Family:
    """The decay family, solved once: only to be read."""
    return pp.solve_family(Decay(), keep=0.5)


@pytest.fixture
def family(solved_decay) -> pp.Family:
    """A family of one's own with the solved members of the decay family."""
    return pp.Family(solved_decay.problem, solved_decay.bases, solved_decay.values(), solved_decay.settings)


@pytest.fixture
def run_python(tmp_path):
    """Run code in a process of its own, in an empty folder, with nothing of DeepXDE set in the environment."""

    def run(code: str, **environment: str) -> subprocess.CompletedProcess:
        inherited = {name: value for name, value in os.environ.items() if name != "DDE_BACKEND"}
        return subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**inherited, **environment},
            timeout=120,
            check=False,
        )

    return run
