"""DeepXDE with its PyTorch backend, imported without side effects on the process."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import torch

from pacpinn.errors import BackendError
from pacpinn.runtime.isolation import defaults, untouched


def _import_deepxde() -> ModuleType:
    if "deepxde" not in sys.modules:
        chosen = os.environ.setdefault("DDE_BACKEND", "pytorch")
        if chosen == "pytorch":
            _import_quietly()
        else:
            raise BackendError(
                f"DDE_BACKEND={chosen} in the environment chooses a backend of DeepXDE that pacpinn cannot use; "
                "unset the variable or set DDE_BACKEND=pytorch."
            )
    module = sys.modules["deepxde"]
    if module.backend.backend_name != "pytorch":
        raise BackendError(
            f"DeepXDE is already imported with the backend {module.backend.backend_name!r}; pacpinn needs 'pytorch'. "
            "Import pacpinn before deepxde, or set DDE_BACKEND=pytorch in the environment."
        )
    return module


def _import_quietly() -> None:
    # DeepXDE's import prints its backend on standard error, makes CUDA torch's default device where there is
    # one, and fails under Open MPI. None of this must reach the user.
    mpi = os.environ.pop("OMPI_COMM_WORLD_SIZE", None)
    device = torch.get_default_device()
    try:
        with untouched(), contextlib.redirect_stderr(io.StringIO()):
            import deepxde  # noqa: F401
    finally:
        if mpi is not None:
            os.environ["OMPI_COMM_WORLD_SIZE"] = mpi
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)


dde = _import_deepxde()
_MAKING = threading.RLock()  # of data objects


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """A block in which no other thread makes a data object."""
    with _MAKING:
        yield


@contextmanager
def without_points() -> Iterator[None]:
    """A block in which data objects draw no points, which takes most of their making: for their formulas alone."""
    kind = dde.data.PDE
    with _MAKING:
        drawing = kind.train_next_batch, kind.test
        kind.train_next_batch = kind.test = lambda *_: None
        try:
            yield
        finally:
            kind.train_next_batch, kind.test = drawing


@contextmanager
def deepxde_defaults(dtype: torch.dtype, device: torch.device) -> Iterator[None]:
    """Run a block in which DeepXDE's points and values, and new tensors, have this dtype and device.

    DeepXDE caches derivatives by the identity of tensors, so that its cache is emptied before and after the block.
    """
    real = dde.config.real
    precision, reals = real.precision, real.reals
    real.set_float64() if dtype == torch.float64 else real.set_float32()
    dde.grad.clear()
    try:
        with defaults(dtype, device):
            yield
    finally:
        dde.grad.clear()
        real.precision, real.reals = precision, reals
