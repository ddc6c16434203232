"""Which cluster the command line's options name."""

import pytest

from pacpinn.errors import PacpinnError, WorkersError
from pacpinn.sweep import clusters

pytest.importorskip("distributed")


def test_without_options_there_is_no_client():
    with clusters.connected(None, None) as client:
        assert client is None


def test_a_scheduler_and_workers_of_ones_own_exclude_each_other():
    with pytest.raises(PacpinnError, match="exclude each other"), clusters.connected("tcp://127.0.0.1:9", 2):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "no address at all"])
def test_a_scheduler_that_does_not_answer_is_named(address, monkeypatch):
    monkeypatch.setattr(clusters, "_PATIENCE", "200ms")
    with pytest.raises(WorkersError, match=f"no scheduler answers at {address}"), clusters.connected(address, None):
        pass


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(PacpinnError, match=r"pip install 'pacpinn\[dask\]'"), clusters.connected(None, 1):
        pass
