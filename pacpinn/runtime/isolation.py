"""Leave the state of the process as it was: random streams, default dtype, default device.

This state and DeepXDE's caches belong to the whole process, so that only one thread at a time may compute with them.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from pacpinn.errors import DeviceError

_computing = threading.RLock()  # held while one task is computed
_solving = threading.RLock()  # held while a family is solved; always acquired before `_computing`


@contextmanager
def alone() -> Iterator[None]:
    """Run a block in which no other thread of this process solves a family; other threads may predict."""
    with _solving:
        yield


@contextmanager
def untouched(seed: int | None = None) -> Iterator[None]:
    """Run a block with its own random streams; afterwards the process's streams and default dtype are as before.

    In the block gradients are recorded, since solving needs them, even if the caller is in ``torch.no_grad()``.

    Args:
        seed: of Python's, NumPy's and torch's random streams in the block; None to go on with the present streams.
    """
    with _computing, _state_restored():
        if seed is not None:
            random.seed(seed)
            np.random.seed(seed % 2**32)
            torch.default_generator.manual_seed(seed)  # torch.manual_seed also seeds unused devices, slowly
            if torch.cuda.is_initialized():
                torch.cuda.manual_seed_all(seed)
        with torch.enable_grad():
            yield


@contextmanager
def _state_restored() -> Iterator[None]:
    python_state, numpy_state, torch_state = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda_states = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    dtype = torch.get_default_dtype()
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        torch.set_rng_state(torch_state)
        torch.set_default_dtype(dtype)
        if cuda_states:
            torch.cuda.set_rng_state_all(cuda_states)


@contextmanager
def defaults(dtype: torch.dtype, device: torch.device) -> Iterator[None]:
    """Run a block in which new tensors have this dtype and device."""
    with _computing:
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        same_device = torch.get_default_device() == device  # a device context slows every torch call a little
        try:
            with contextlib.nullcontext() if same_device else device:
                yield
        finally:
            torch.set_default_dtype(before)


def existing_device(device: str | torch.device) -> torch.device:
    """`device` as a ``torch.device`` on which tensors can be made.

    Raises:
        DeviceError: if torch does not know the device, or this machine does not have it.
    """
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as problem:
        available = ", ".join(["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))])
        reason = str(problem).splitlines()[0]
        raise DeviceError(f"the device {str(device)!r} is not there ({reason}); choose from: {available}") from None
    return found
