"""Dask clusters for the command line: a running one by its address, or a new one of processes on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pacpinn.errors import PacpinnError, WorkersError

if TYPE_CHECKING:
    from distributed import Client

_PATIENCE = "30s"
_SPARING = {
    "distributed.worker.profile.enabled": False,  # profiling takes five per cent of a worker's time
    "distributed.admin.low-level-log-length": 10,  # events; Dask's default takes more memory than 1,000s of targets
}


@contextmanager
def connected(scheduler: str | None, workers: int | None) -> Iterator[Client | None]:
    """A block with a client of a cluster; with None if no cluster is named.

    Args:
        scheduler: the address of a running cluster's scheduler; or
        workers: the number of processes, of one thread each, to start on this machine.
    """
    if scheduler is None and workers is None:
        yield None
        return
    if scheduler is not None and workers is not None:
        raise PacpinnError("--scheduler and --workers exclude each other: name a cluster, or start processes here")
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise PacpinnError("Dask is not installed; pip install 'pacpinn[dask]' brings it") from None
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=_PATIENCE)
        except (OSError, TimeoutError, ValueError) as problem:
            raise WorkersError(
                f"no scheduler answers at {scheduler} ({problem}); 'dask scheduler' starts one and prints its address"
            ) from problem
        with client:
            yield client
        return
    with (
        dask.config.set(_SPARING),
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client
