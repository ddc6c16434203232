"""What a step on a worker of a Dask cluster is given, does and brings back."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import cloudpickle
import torch
from distributed import get_worker
from torch import Tensor

from pacpinn.continuation.error_estimate import error_estimate
from pacpinn.continuation.solution import Base, Solution
from pacpinn.equations.equation_task import EquationTask
from pacpinn.runtime.isolation import alone
from pacpinn.runtime.machine import Machine
from pacpinn.sweep.tree_step import StartPoint, StepContext, StepResult, take_step
from pacpinn.tasks.coefficient import Coefficients


class SentBase(NamedTuple):
    """A base without its module, which the ground has."""

    coefficients: Coefficients
    weights: Tensor
    free: Tensor


class SentStart(NamedTuple):
    """A target, and the branch on which it hangs, as they travel."""

    start: Solution
    before: Solution | None
    grown: tuple[SentBase, ...]
    target: Coefficients


class Brought(NamedTuple):
    """A target that a step has solved, and its base, if that was grown for it."""

    solution: Solution
    base: SentBase | None


def work(sent: tuple[str, bytes], starts: Sequence[SentStart]) -> list[Brought]:
    """Take a step where this is called, on as many of torch's threads as the worker has."""
    with _at_work(sent) as ground:
        unpacked = [
            (StartPoint(each.start, each.before, tuple(built(base, ground) for base in each.grown)), each.target)
            for each in starts
        ]
        taken = take_step(ground, unpacked)
    return [_brought(branch, each) for (branch, _), each in zip(unpacked, taken, strict=True)]


def estimate(sent: tuple[str, bytes], member: Solution) -> float:
    """A member's estimated error."""
    with _at_work(sent) as ground:
        task = ground.settings.task(ground.problem, member.coefficients)
        assert isinstance(task, EquationTask)
        return error_estimate(task, ground.bases[member.base].masked, member.z).relative


class Process(NamedTuple):
    """In which process a worker is, and what it computes with."""

    host: str
    number: int
    machine: Machine


def process() -> Process:
    """The one in which this is called."""
    return Process(socket.gethostname(), os.getpid(), Machine.here())


@contextmanager
def _at_work(sent: tuple[str, bytes]) -> Iterator[StepContext]:
    """A block on a worker, alone in its process, on as many of torch's threads as the worker has."""
    torch.set_num_threads(max(1, get_worker().state.nthreads))
    _keep_memory()
    with alone():
        yield _ground(*sent)


@cache
def _keep_memory() -> None:
    """Let glibc keep blocks of some MB, as it learns to by itself unless ``MALLOC_TRIM_THRESHOLD_`` is set.

    Dask sets it for its workers. Every array above 128 kB is then fetched from the system anew and given back, which
    doubles the time of a solve.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)  # as far as glibc goes by itself
    mallopt(_M_TRIM_THRESHOLD, 64 * 2**20)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def _ground(digest: str, pickled: bytes) -> StepContext:
    """What was scattered, unpacked once on each worker."""
    if digest not in _grounds:
        _grounds.clear()
        _grounds[digest] = cloudpickle.loads(pickled)
    return _grounds[digest]


_grounds: dict[str, StepContext] = {}


def _brought(branch: StartPoint, taken: StepResult) -> Brought:
    new = taken.branch.grown[len(branch.grown) :]
    return Brought(taken.solution, _sent_base(new[0]) if new else None)


# What travels ---------------------------------------------------------------------------------------------------------


def sent_start(branch: StartPoint, target: Coefficients) -> SentStart:
    """A start as it travels."""
    before = None if branch.before is None else light(branch.before)
    return SentStart(light(branch.start), before, tuple(map(_sent_base, branch.grown)), target)


def light(solution: Solution) -> Solution:
    """A member to start from, without its losses."""
    return replace(solution, history=[])


def _sent_base(base: Base) -> SentBase:
    return SentBase(base.coefficients, base.masked.weights, base.masked.free)


def built(sent: SentBase, ground: StepContext) -> Base:
    """A base that has travelled, on a network like the ground's."""
    return Base(ground.bases[0].masked.with_mask(sent.free, True, sent.weights), sent.coefficients)
