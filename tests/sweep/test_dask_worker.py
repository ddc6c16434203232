"""What a worker does, in this process."""

from types import SimpleNamespace

import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.solution import SolutionOnBase
from pacpinn.runtime.machine import Machine
from pacpinn.sweep.pools import take_step
from tests.toys import same_bits

dask_worker = pytest.importorskip("pacpinn.sweep.dask_worker")
messages = pytest.importorskip("pacpinn.sweep.dask_messages")


@pytest.fixture(autouse=True)
def worker(monkeypatch):
    """A worker of one thread, whose memory settings are left alone."""
    monkeypatch.setattr(dask_worker, "get_worker", lambda: SimpleNamespace(state=SimpleNamespace(nthreads=1)))
    monkeypatch.setattr(dask_worker, "_keep_memory", lambda: None)


@pytest.fixture
def context(family):
    return StepContext(family.problem, family.bases, family.settings)


def test_a_step_gives_the_same_bits_as_in_this_process(family, context):
    segments = [PathSegment(SolutionOnBase(family.targets[-1], family.bases[0]), pp.Coefficients(k=1.8))]
    sent = dask_worker.run_step(messages.pack_context(context), messages.pack_step(context, segments))
    (there,) = messages.unpack_results(context, segments, sent)
    (here,) = take_step(context, segments)
    assert same_bits(there.found.solution.z, here.found.solution.z)
    assert there.found.solution.history == here.found.solution.history
    assert there.found.solution.error_estimate == here.found.solution.error_estimate > 0
    assert there.grown == here.grown == ()
    assert torch.get_num_threads() == 1


def test_a_context_is_unpickled_once(context, monkeypatch):
    sent, loads = messages.pack_context(context), []
    unpickle = dask_worker.cloudpickle.loads
    dask_worker._unpickled.cache_clear()
    monkeypatch.setattr(dask_worker.cloudpickle, "loads", lambda data: loads.append(data) or unpickle(data))
    first, second = dask_worker._unpickled(sent), dask_worker._unpickled(sent)
    assert first is second
    assert len(loads) == 1


def test_a_process_names_its_machine():
    assert dask_worker.this_process().machine == Machine.here()
