"""Steps on the workers of a Dask cluster, whose scheduler, queue, retries and transport are used as they are."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from distributed import Client, Future

from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.solution import Solution
from pacpinn.continuation.step_control import StepResult
from pacpinn.errors import WorkersError
from pacpinn.solvers.base import Result, Status
from pacpinn.sweep.dask_messages import pack_context, pack_step, unpack_results
from pacpinn.sweep.dask_worker import Process, run_step, this_process

log = logging.getLogger(__name__)

_RETRIES = 2  # of a step that raises; a step whose worker dies is tried again as often as the scheduler allows
_STEPS_PER_THREAD = 2  # submitted at a time, so that no thread waits for its next step
_ESTIMATES_AT_ONCE = 200  # that the scheduler knows of at a time
_BETWEEN_COUNTS = 1.0  # seconds between counts of the cluster's threads, which may change
_GONE = "the scheduler has gone, or has lost what it was given; --resume goes on once it is back"
_MUST_AGREE = ("pacpinn", "torch", "deepxde")


class DaskPool:
    """Takes steps on a cluster; see :class:`pacpinn.sweep.pools.Pool`.

    Args:
        client: of the cluster.
        context: what all steps share.
        patience: seconds to wait for a first worker, and for another one when all are gone.

    Raises:
        WorkersError: if there is no worker in time, workers have other versions, or the problem cannot be sent.
    """

    def __init__(self, client: Client, context: StepContext, patience: float) -> None:
        self._client, self._context, self._patience = client, context, patience
        _require_workers(client, patience)
        self._sent_context = _scattered(client, context)
        self._threads, self._counted_at = 0, -math.inf
        self._running: dict[int, tuple[Future[Any], Sequence[PathSegment]]] = {}
        self._done: SimpleQueue[int] = SimpleQueue()

    @property
    def room(self) -> int:
        if time.monotonic() > self._counted_at + _BETWEEN_COUNTS:
            self._threads, self._counted_at = _threads(self._client), time.monotonic()
        return max(1, _STEPS_PER_THREAD * self._threads) - len(self._running)

    def submit(self, number: int, segments: Sequence[PathSegment]) -> None:
        step = pack_step(self._context, segments)
        resources = {"GPU": 1} if _on_gpu(self._context) else None
        future = self._client.submit(
            run_step, self._sent_context, step, pure=False, priority=-number, retries=_RETRIES, resources=resources
        )
        self._running[number] = future, segments
        future.add_done_callback(lambda _: self._done.put(number))

    def next(self) -> tuple[int, Sequence[StepResult]]:
        number = self._wait()
        future, segments = self._running.pop(number)
        if future.status == "finished":
            return number, unpack_results(self._context, segments, self._client.gather(future))
        if future.status in ("cancelled", "lost"):
            raise WorkersError(_GONE)
        for segment in segments:
            log.warning("%s: given up after its retries (%s)", segment.target, future.exception())
        return number, [_given_up(segment) for segment in segments]

    def _wait(self) -> int:
        while True:
            try:
                return self._done.get(timeout=self._patience)
            except Empty:
                _require_workers(self._client, self._patience)


def on(client: Client, patience: float = 60.0) -> Callable[[StepContext], DaskPool]:
    """Makes pools on a cluster, for :meth:`Family.extend`."""
    return lambda context: DaskPool(client, context, patience)


def _scattered(client: Client, context: StepContext) -> Future[Any]:
    return client.scatter(pack_context(context), broadcast=True, hash=False)


def _on_gpu(context: StepContext) -> bool:
    return context.bases[0].masked.weights.device.type == "cuda"


def _given_up(segment: PathSegment) -> StepResult:
    """The result of a target that no worker could solve: the weights from which it would have started."""
    start = segment.start.solution
    solution = Solution(
        segment.target,
        start.base,
        **vars(Result(start.z, Status.FAILED, steps=0, seconds=0.0)),
        residual=math.inf,
        tolerance=start.tolerance,
        score=None,
        parent=start.coefficients,
        reached=start.coefficients,
    )
    return StepResult(segment.start._replace(solution=solution))


def _threads(client: Client) -> int:
    try:
        return sum(client.nthreads().values())
    except (OSError, AttributeError) as problem:  # of a client that has lost its scheduler
        raise WorkersError(f"{_GONE} ({problem})") from problem


def _require_workers(client: Client, patience: float) -> None:
    """Wait for a worker, and check that all workers compute as this process does."""
    try:
        client.wait_for_workers(1, timeout=patience)
        processes: dict[str, Any] = client.run(this_process, on_error="return")
    except TimeoutError as problem:
        raise WorkersError(
            f"no worker came within {patience:g} s; start some at the scheduler's address, or wait longer (patience=)"
        ) from problem
    except (OSError, AttributeError) as problem:
        raise WorkersError(f"{_GONE} ({problem})") from problem
    for address, process in processes.items():
        _require_same(address, process, this_process())


def _require_same(address: str, theirs: Process | BaseException, ours: Process) -> None:
    """A worker must be able to import pacpinn, be another process than this one, and have the same versions."""
    if not isinstance(theirs, Process):
        raise WorkersError(f"the worker {address} cannot compute ({theirs}); install pacpinn there")
    if theirs[:2] == ours[:2]:  # its steps would wait until the family is solved, and the family for its steps
        raise WorkersError(
            f"the worker {address} is a thread of this process, in which one family at a time is solved; start "
            "workers in processes of their own (processes=True)"
        )
    there, here = theirs.machine.versions, ours.machine.versions
    other = [name for name in _MUST_AGREE if there[name] != here[name]]
    if other:
        difference = ", ".join(f"{name} {there[name]} there, {here[name]} here" for name in other)
        raise WorkersError(f"the worker {address} has other versions: {difference}; install the same")
