"""What a worker of a Dask cluster does: steps of a sweep."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import NamedTuple

import cloudpickle
import torch
from distributed import get_worker

from pacpinn.continuation.settings import StepContext
from pacpinn.runtime.isolation import alone
from pacpinn.runtime.machine import Machine
from pacpinn.sweep.dask_messages import loads, pack_results
from pacpinn.sweep.pools import take_step


def run_step(sent: bytes, step: bytes) -> bytes:
    """Take a step; it and the context are as :mod:`~pacpinn.sweep.dask_messages` pickles them."""
    with _working(sent) as context:
        return pack_results(context, take_step(context, loads(context, step)))


class Process(NamedTuple):
    """The process of a worker, and what it computes with."""

    host: str
    number: int
    machine: Machine


def this_process() -> Process:
    """The process in which this is called."""
    return Process(socket.gethostname(), os.getpid(), Machine.here())


@contextmanager
def _working(sent: bytes) -> Iterator[StepContext]:
    """A block that no other thread of the worker shares, on as many of torch's threads as the worker has."""
    torch.set_num_threads(max(1, get_worker().state.nthreads))
    _keep_memory()
    with alone():
        yield _unpickled(sent)


@cache
def _keep_memory() -> None:
    """Let the C library keep freed blocks of some MB, as glibc does unless ``MALLOC_TRIM_THRESHOLD_`` is set.

    Dask sets that variable for its workers. Every array above 128 kB is then taken from the system and given back anew,
    which doubles the time of a solve.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)  # the largest value that glibc chooses by itself
    mallopt(_M_TRIM_THRESHOLD, 64 * 2**20)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


@lru_cache(maxsize=1)  # once on each worker
def _unpickled(sent: bytes) -> StepContext:
    return cloudpickle.loads(sent)
