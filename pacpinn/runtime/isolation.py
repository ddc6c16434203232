"""Leave the process as it was found: random streams, default dtype, default device.

These, and DeepXDE's caches, belong to the whole process: one thread at a time computes with them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from pacpinn.errors import DeviceError

_computing = threading.RLock()  # for as long as one task takes
_solving = threading.RLock()  # for as long as a family takes; always acquired before the other


@contextmanager
def alone() -> Iterator[None]:
    """A block in which no other thread of this process solves a family; it may predict."""
    with _solving:
        yield


@contextmanager
def untouched(seed: int | None = None) -> Iterator[None]:
    """Run a block on random streams of its own, seeded by `seed`; the process's streams and dtype stay as they were.

    Gradients are recorded in it, also within a caller's ``torch.no_grad()``: solving needs them.
    """
    with _computing:
        yield from _restoring(seed)


def _restoring(seed: int | None) -> Iterator[None]:
    python_state, numpy_state, torch_state = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda_states = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    dtype = torch.get_default_dtype()
    try:
        if seed is not None:
            random.seed(seed)
            np.random.seed(seed % 2**32)
            torch.default_generator.manual_seed(seed)  # torch.manual_seed: of idle devices too, slowly
            if torch.cuda.is_initialized():
                torch.cuda.manual_seed_all(seed)
        with torch.enable_grad():
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
        yield from _with_defaults(dtype, device)


def _with_defaults(dtype: torch.dtype, device: torch.device) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        if torch.get_default_device() == device:  # a device context slows every torch call a little
            yield
        else:
            with device:
                yield
    finally:
        torch.set_default_dtype(before)


def existing_device(device: str | torch.device) -> torch.device:
    """`device` as torch's own type, after a check that tensors can be put there.

    Raises:
        DeviceError: if torch does not know the device or this machine does not have it.
    """
    try:
        place = torch.device(device)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as problem:
        there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        reason = str(problem).splitlines()[0]
        raise DeviceError(f"the device {str(device)!r} is not there ({reason}); there is: {', '.join(there)}") from None
    return place
