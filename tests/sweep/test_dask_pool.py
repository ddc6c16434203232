"""Families on the workers of a Dask cluster: the same as in this process, whatever happens to workers."""

import multiprocessing
import os
import signal
import threading

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.errors import PacpinnError, WorkersError
from pacpinn.runtime.machine import Machine
from tests.command_line import run
from tests.family.file.test_journal import frozen_too_much
from tests.sweep.lines import Lines
from tests.toys import Decay, problem_file, same_bits, same_family

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
dask_pool = pytest.importorskip("pacpinn.sweep.dask_pool")

ASKED = {"targets": pp.grid(k=np.geomspace(1.2, 3.5, 12)), "keep": 0.5}


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def client(cluster):
    with distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def here():
    return pp.solve_family(Decay(), tree="spine", **ASKED)


def test_the_same_family_as_in_this_process_to_the_last_bit(client, here):
    there = pp.solve_family(Decay(), client=client, **ASKED)
    assert all(each.status == "converged" for each in there.targets)
    assert same_family(there, here)


def test_in_batches_too(client):
    asked = {**ASKED, "batch": 3}
    there = pp.solve_family(Decay(), client=client, **asked)
    assert there.requests[0].batch == 3
    assert same_family(there, pp.solve_family(Decay(), tree="spine", **asked))


def test_what_is_on_an_accelerator_goes_to_workers_that_have_one(here, monkeypatch):
    monkeypatch.setattr(dask_pool, "_on_gpu", lambda context: True)
    kinds = {"plain": {}, "accelerated": {"resources": {"GPU": 1}}}
    workers = {name: {"cls": distributed.Nanny, "options": {"nthreads": 1, **kind}} for name, kind in kinds.items()}
    scheduler = {"cls": distributed.Scheduler, "options": {"dashboard_address": ":0"}}
    with (
        distributed.SpecCluster(workers, scheduler) as cluster,
        distributed.Client(cluster) as client,
    ):
        there = pp.solve_family(Decay(), client=client, **ASKED)
        taken = client.run(lambda dask_worker: (dask_worker.name, dask_worker.state.executed_count))
    assert same_family(there, here)
    assert dict(taken.values()) == {"plain": 0, "accelerated": len(ASKED["targets"])}


def test_bases_that_are_grown_come_back(client):
    asked = {
        "targets": pp.grid(k=[1.5, 3.0, 3.3, 3.6]),
        "solver": frozen_too_much,
        "halvings": 2,
        "bases": 2,
        "keep": 0.5,
    }
    there = pp.solve_family(Lines(), client=client, **asked)
    assert len(there.bases) > 1
    assert same_family(there, pp.solve_family(Lines(), tree="spine", **asked))


def test_members_come_back_with_their_estimates(client):
    family = pp.solve_family(Decay(), client=client, **ASKED)
    for c, each in family.items():
        found = family.error_estimate(**c)
        assert (each.error_estimate, each.error_bound) == pytest.approx((found.relative, found.bound), rel=1e-6)


def test_a_problem_file_of_ones_own_reaches_the_workers(client, here, tmp_path):
    there = pp.solve_family(problem_file(tmp_path), client=client, **ASKED)
    assert all(same_bits(a.z, b.z) for a, b in zip(there.values(), here.values(), strict=True))


def test_a_killed_worker_changes_nothing(client, here):
    killed = threading.Event()

    def kill_one(progress):
        if progress.stage == "calibrate" and not killed.is_set():
            killed.set()
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)

    there = pp.solve_family(Decay(), client=client, progress=kill_one, **ASKED)
    assert killed.is_set()
    assert same_family(there, here)


class Poison(Decay):
    """A target that takes its worker down, or raises: all others are solved."""

    def transform(self, t, u, c):
        if abs(float(c.k) - 2.0) < 1e-9 and "dask" in str(multiprocessing.current_process().name).lower():
            if os.environ.get("POISON") == "deadly":
                os._exit(1)
            raise ZeroDivisionError("a poison target")
        return super().transform(t, u, c)


@pytest.mark.parametrize("how", ["raises", "deadly"])
def test_a_poison_target_is_given_up_and_the_rest_is_solved(client, how, caplog):
    client.run(os.environ.update, {"POISON": how})
    targets = pp.grid(k=[1.3, 1.7, 2.0, 2.4, 2.8])
    family = pp.solve_family(Poison(), targets=targets, keep=0.5, client=client)
    assert {each.coefficients.k: each.status for each in family.targets if each.status != "converged"} == {
        2.0: "failed"
    }
    assert len(family.targets) == 5
    assert family[{"k": 2.0}].reached is not None
    assert "k=2: given up" in caplog.text


def test_an_interrupted_run_goes_on_from_its_file(client, here, tmp_path):
    def stop(progress, left=[5]):  # noqa: B006
        left[0] -= progress.solution is not None
        if not left[0]:
            raise KeyboardInterrupt

    path = tmp_path / "decay.pac"
    with pytest.raises(KeyboardInterrupt):
        pp.solve_family(Decay(), client=client, save=path, progress=stop, **ASKED)
    assert 4 <= len(pp.load(path, Decay())) < 1 + len(ASKED["targets"])
    assert same_family(pp.solve_family(Decay(), client=client, resume=path, **ASKED), here)


def test_the_command_line_starts_workers_of_its_own(tmp_path, here):
    rates = ",".join(f"{each['k']!r}" for each in ASKED["targets"])
    asked = ("--targets", f"k={rates}", "--keep", 0.5, "--workers", 2, "--output", tmp_path / "run")
    assert run("solve", problem_file(tmp_path), *asked).code == 0
    there = pp.load(tmp_path / "run" / "decay.pac", tmp_path / "mine.py")
    assert all(same_bits(a.z, b.z) for a, b in zip(there.values(), here.values(), strict=True))


# Bad input ------------------------------------------------------------------------------------------------------------


def test_a_range_is_for_one_process(client):
    with pytest.raises(PacpinnError, match="one member after the other"):
        pp.solve_family(Decay(), within={"k": (1, 2)}, client=client)


def test_without_workers_what_is_solved_stays(tmp_path):
    family = pp.solve_family(Decay(), targets=pp.grid(k=[1.1]), keep=0.5)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        distributed.Client(empty) as client,
        pytest.raises(WorkersError, match=r"no worker came within 0\.5 s"),
    ):
        family.extend(ASKED["targets"], pool_of=dask_pool.on(client, patience=0.5))
    assert len(family) == 2


def test_a_scheduler_that_is_not_reached(tmp_path, monkeypatch):
    monkeypatch.setattr("pacpinn.sweep.clusters._PATIENCE", "1s")
    outcome = run("solve", problem_file(tmp_path), "--scheduler", "tcp://127.0.0.1:9", "--output", tmp_path / "run")
    assert outcome.code == 2
    assert "no scheduler answers at tcp://127.0.0.1:9" in outcome.err
    assert not (tmp_path / "run").exists()


def test_a_scheduler_that_goes_in_the_middle(tmp_path):
    path = tmp_path / "decay.pac"
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        client = distributed.Client(cluster, timeout="2s")

        def close(progress, left=[3]):  # noqa: B006
            left[0] -= progress.stage == "calibrate" and progress.solution is not None
            if not left[0]:
                left[0] = -1
                cluster.close()

        with dask.config.set({"distributed.comm.timeouts.connect": "2s"}), pytest.raises(WorkersError):
            pp.solve_family(Decay(), client=client, save=path, progress=close, **ASKED)
        client.close()
    kept = pp.load(path, Decay())
    assert 3 <= len(kept) < 1 + len(ASKED["targets"])


def test_both_a_scheduler_and_workers(tmp_path):
    outcome = run("solve", problem_file(tmp_path), "--scheduler", "tcp://127.0.0.1:9", "--workers", 2)
    assert outcome.code == 2
    assert "exclude each other" in outcome.err


def test_workers_with_other_versions_are_named(client, monkeypatch):
    versions = {**Machine.here().versions, "torch": "1.0"}
    monkeypatch.setattr(Machine, "here", lambda: Machine(versions, 1, ""))
    with pytest.raises(WorkersError, match=r"other versions: torch .* there, 1\.0 here"):
        dask_pool._require_workers(client, 1.0)


class Open(Decay):
    """Holds a lock, which cannot travel."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


def test_workers_that_are_threads_of_this_process_are_refused():
    with (
        distributed.Client(processes=False, n_workers=1, dashboard_address=":0") as client,
        pytest.raises(WorkersError, match=r"a thread of this process.* processes of their own \(processes=True\)"),
    ):
        pp.solve_family(Decay(), client=client, **ASKED)


def test_a_problem_that_cannot_be_sent(client):
    with pytest.raises(WorkersError, match="open cannot be sent to workers"):
        pp.solve_family(Open(), client=client, **ASKED)
