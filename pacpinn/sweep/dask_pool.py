"""Steps on the workers of a Dask cluster: no scheduler, queue, retry or transport of our own.

What all steps share is scattered once. A step takes its branch along, two members' free weights at most, and brings
its targets' back. Lost workers are Dask's own affair; what comes to nothing after its retries is given up.
"""

from __future__ import annotations

import hashlib
import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any

import cloudpickle
from distributed import Client, Future

from pacpinn.continuation.solution import Solution
from pacpinn.errors import WorkersError
from pacpinn.solvers.base import Status
from pacpinn.sweep.dask_worker import Brought, Process, built, estimate, light, process, sent_start, work
from pacpinn.sweep.pools import Finished
from pacpinn.sweep.tree_step import StartPoint, StepContext, StepResult, TargetStart
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.registry import installed_problems

log = logging.getLogger(__name__)

_RETRIES = 2  # of a step that raises; a step whose worker dies is tried again as often as the scheduler allows
_AHEAD = 2  # steps for each thread of a worker, so that none waits for its next one
_AT_ONCE = 200  # estimates that the scheduler knows of at a time
_BETWEEN_QUESTIONS = 1.0  # seconds: workers come and go
_GONE = "the scheduler has gone, or has lost what it was given; --resume goes on once it is back"
_MUST_AGREE = ("pacpinn", "torch", "deepxde")


class DaskPool:
    """Takes steps on a cluster; see :class:`pacpinn.sweep.pools.Pool`.

    Args:
        client: of the cluster.
        ground: what all steps share.
        patience: seconds to wait for a first worker, and for another one when all are gone.

    Raises:
        WorkersError: if there is no worker in time, workers have other versions, or the problem cannot be sent.
    """

    def __init__(self, client: Client, ground: StepContext, patience: float) -> None:
        self._client, self._ground, self._patience = client, ground, patience
        _require_workers(client, patience)
        self._sent = _scattered(client, ground)
        self._threads, self._asked = 0, -math.inf
        self._running: dict[int, tuple[Future[Any], Sequence[TargetStart]]] = {}
        self._done: SimpleQueue[int] = SimpleQueue()

    @property
    def room(self) -> int:
        if time.monotonic() > self._asked + _BETWEEN_QUESTIONS:
            self._threads, self._asked = _threads(self._client), time.monotonic()
        return max(1, _AHEAD * self._threads) - len(self._running)

    def submit(self, number: int, starts: Sequence[TargetStart]) -> None:
        sent = [sent_start(*each) for each in starts]
        resources = {"GPU": 1} if _on_gpu(self._ground) else None
        future = self._client.submit(
            work, self._sent, sent, pure=False, priority=-number, retries=_RETRIES, resources=resources
        )
        self._running[number] = future, starts
        future.add_done_callback(lambda _: self._done.put(number))

    def next(self) -> Finished:
        number = self._wait()
        future, starts = self._running.pop(number)
        if future.status == "finished":
            brought = self._client.gather(future)
            return Finished(number, [self._taken(*each) for each in zip(starts, brought, strict=True)])
        if future.status in ("cancelled", "lost"):
            raise WorkersError(_GONE)
        for _, target in starts:
            log.warning("%s: given up after its retries (%s)", target, future.exception())
        return Finished(number, [StepResult(_given_up(branch, target), branch) for branch, target in starts])

    def _wait(self) -> int:
        while True:
            try:
                return self._done.get(timeout=self._patience)
            except Empty:
                _require_workers(self._client, self._patience)

    def _taken(self, start: TargetStart, brought: Brought) -> StepResult:
        branch, _ = start
        new = () if brought.base is None else (built(brought.base, self._ground),)
        return StepResult(brought.solution, branch.on(brought.solution, branch.grown + new))


def on(client: Client, patience: float = 60.0) -> Callable[[StepContext], DaskPool]:
    """Makes pools on a cluster, for :meth:`Family.extend`."""
    return lambda ground: DaskPool(client, ground, patience)


def error_estimates(
    client: Client, ground: StepContext, members: Sequence[Solution], patience: float = 60.0
) -> Iterator[float]:
    """Estimated relative errors of members of an equation, found by the workers.

    Args:
        client, patience: as for :class:`DaskPool`.
        ground: with all of the family's bases.
        members: whose.
    """
    _require_workers(client, patience)
    sent = _scattered(client, ground)
    for i in range(0, len(members), _AT_ONCE):
        some = [light(each) for each in members[i : i + _AT_ONCE]]
        yield from client.gather([client.submit(estimate, sent, each, pure=False, retries=_RETRIES) for each in some])


def _scattered(client: Client, ground: StepContext) -> Future[Any]:
    """The ground on every worker, pickled, with a digest by which they know it again."""
    sent = _pickled(ground)
    scattered: Future[Any] = client.scatter((hashlib.sha256(sent).hexdigest(), sent), broadcast=True, hash=False)
    return scattered


def _pickled(ground: StepContext) -> bytes:
    """The ground with the user's own code in it, which workers do not have."""
    try:
        with _by_value(ground.problem):
            return cloudpickle.dumps(ground)
    except Exception as problem:
        raise WorkersError(
            f"the problem {ground.problem.name} cannot be sent to workers ({type(problem).__name__}: {problem}); open "
            "files, locks and connections must be made where they are used"
        ) from problem


@contextmanager
def _by_value(problem: Problem) -> Iterator[None]:
    """A block in which the modules that define a problem travel with it, unless workers have them."""
    own = [*type(problem).__mro__, *vars(problem).values()]
    names = {str(getattr(each, "__module__", None)) for each in own}
    there = {"pacpinn", "torch", "numpy", "deepxde", "builtins", "abc", "typing"}
    installed = set(installed_problems().values())
    modules = [
        sys.modules[name] for name in names - installed if name in sys.modules and name.split(".")[0] not in there
    ]
    new = [each for each in modules if each.__name__ not in cloudpickle.list_registry_pickle_by_value()]
    for each in new:
        cloudpickle.register_pickle_by_value(each)
    try:
        yield
    finally:
        for each in new:
            cloudpickle.unregister_pickle_by_value(each)


def _on_gpu(ground: StepContext) -> bool:
    return ground.bases[0].masked.weights.device.type == "cuda"


# What can go wrong ----------------------------------------------------------------------------------------------------


def _given_up(branch: StartPoint, target: Coefficients) -> Solution:
    """A target that no worker has brought back: where it would have started from."""
    start = branch.start
    return replace(
        start,
        coefficients=target,
        status=Status.FAILED,
        steps=0,
        seconds=0.0,
        history=[],
        residual=math.inf,
        score=None,
        parent=start.coefficients,
        reached=start.coefficients,
        singular=None,
        error_estimate=None,
    )


def _threads(client: Client) -> int:
    """How many the cluster has now."""
    try:
        return sum(client.nthreads().values())
    except (OSError, AttributeError) as problem:  # a client that has lost its scheduler has none to ask
        raise WorkersError(f"{_GONE} ({problem})") from problem


def _require_workers(client: Client, patience: float) -> None:
    """Wait for a worker, and see that all of them compute as this process does."""
    try:
        client.wait_for_workers(1, timeout=patience)
        there: dict[str, Any] = client.run(process, on_error="return")
    except TimeoutError as problem:
        raise WorkersError(
            f"no worker came within {patience:g} s; start some at the scheduler's address, or wait longer (patience=)"
        ) from problem
    except (OSError, AttributeError) as problem:
        raise WorkersError(f"{_GONE} ({problem})") from problem
    here = process()
    for address, found in there.items():
        if not isinstance(found, Process):
            raise WorkersError(f"the worker {address} cannot compute ({found}); install pacpinn there")
        if found[:2] == here[:2]:  # it would wait until the family is solved, and the family for it
            raise WorkersError(
                f"the worker {address} is a thread of this process, in which one family at a time is solved; start "
                "workers in processes of their own (processes=True)"
            )
        theirs, ours = found.machine.versions, here.machine.versions
        other = [name for name in _MUST_AGREE if theirs[name] != ours[name]]
        if other:
            difference = ", ".join(f"{name} {theirs[name]} there, {ours[name]} here" for name in other)
            raise WorkersError(f"the worker {address} has other versions: {difference}; install the same")
