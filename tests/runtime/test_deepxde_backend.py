"""DeepXDE comes in on PyTorch, or is refused clearly; each test in a process of its own."""

import pytest
import torch

from pacpinn.runtime.deepxde_backend import dde, deepxde_defaults

REPORT_ERROR = """
import pacpinn
from pacpinn.errors import BackendError
try:
    pacpinn.Equation
except BackendError as error:
    print(error)
"""


def test_another_backend_that_is_loaded_already_is_refused(run_python):
    stub = """
import sys, types
sys.modules["deepxde"] = types.SimpleNamespace(backend=types.SimpleNamespace(backend_name="tensorflow"))
"""
    ran = run_python(stub + REPORT_ERROR)
    assert "DeepXDE is already imported with the backend 'tensorflow'; pacpinn needs 'pytorch'" in ran.stdout
    assert "Import pacpinn before deepxde" in ran.stdout


def test_another_backend_in_the_environment_is_refused(run_python):
    ran = run_python(REPORT_ERROR, DDE_BACKEND="jax")
    assert "DDE_BACKEND=jax" in ran.stdout
    assert "set DDE_BACKEND=pytorch" in ran.stdout


@pytest.mark.slow
def test_deepxde_may_be_imported_first(run_python):
    ran = run_python("import deepxde\nimport pacpinn\nprint(pacpinn.Equation.__name__)", DDE_BACKEND="pytorch")
    assert ran.stdout == "Equation\n", ran.stderr


@pytest.mark.slow
def test_the_import_leaves_no_trace_under_open_mpi(run_python, tmp_path):
    """Open MPI's variable stays set, no line is printed, no configuration is written, torch's defaults stay."""
    code = """
import os, random, torch
torch.manual_seed(0), random.seed(0)
before = torch.get_rng_state(), random.getstate()
import pacpinn
pacpinn.Equation
assert os.environ["OMPI_COMM_WORLD_SIZE"] == "2"
assert torch.equal(torch.get_rng_state(), before[0]) and random.getstate() == before[1]
assert torch.get_default_device().type == "cpu" and torch.get_default_dtype() == torch.float32
"""
    ran = run_python(code, OMPI_COMM_WORLD_SIZE="2", HOME=str(tmp_path))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert not (tmp_path / ".deepxde").exists()


def test_deepxde_computes_in_the_dtype_asked_for_inside_the_block_only():
    import numpy as np

    before = dde.config.real(np)
    with deepxde_defaults(torch.float64, torch.device("cpu")):
        assert dde.config.real(np) is np.float64
        assert torch.zeros(1).dtype == torch.float64
    assert dde.config.real(np) is before
    assert torch.zeros(1).dtype == torch.float32


def test_the_block_ends_with_an_error_too():
    import numpy as np

    before = dde.config.real(np)
    with pytest.raises(ZeroDivisionError), deepxde_defaults(torch.float64, torch.device("cpu")):
        raise ZeroDivisionError
    assert dde.config.real(np) is before
    assert torch.get_default_dtype() == torch.float32
