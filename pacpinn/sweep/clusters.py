"""Dask clusters as the command line names them: one that is there, or one of this machine's own processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pacpinn.errors import PacpinnError, WorkersError

if TYPE_CHECKING:
    from distributed import Client

_PATIENCE = "30s"
_SPARING = {
    "distributed.worker.profile.enabled": False,  # which takes a twentieth of a worker
    "distributed.admin.low-level-log-length": 10,  # of events, which else take more memory than some thousand targets
}


@contextmanager
def connected(scheduler: str | None, workers: int | None) -> Iterator[Client | None]:
    """A client for as long as the block takes; None if no cluster is named.

    Args:
        scheduler: the address of a cluster's scheduler.
        workers: or how many processes of one thread each to start here.

    Raises:
        PacpinnError: if both are named, or Dask is not installed.
        WorkersError: if the scheduler is not reached.
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
                f"no scheduler answers at {scheduler} ({problem}); 'dask scheduler' starts one and says its address"
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
