"""No public call leaves a trace on random streams, default dtype or default device; the user's own change no result."""

import contextlib
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.runtime.deepxde_backend import dde
from tests.toys import Decay, Waves, batchnorm_network, problem_file, same_bits, wave

T = np.linspace(0, 1, 5)[:, None]
QUICK = {"targets": [{"k": 1.1}], "keep": 0.5, "tolerance": 0.05}


@pytest.fixture
def made(solved_decay, tmp_path):
    """Whatever the calls below need, made before the state is looked at."""
    family = pp.Family(solved_decay.problem, solved_decay.bases, solved_decay.values(), solved_decay.settings)
    pruned, allocated = pp.PAC(batchnorm_network()), pp.PAC(batchnorm_network())
    for pac in (pruned, allocated):
        pac.prune(0.5)
    allocated.allocate(wave(), pp.Adam(steps=1))
    return SimpleNamespace(
        folder=tmp_path,
        file=problem_file(tmp_path),
        saved=family.save(tmp_path / "decay.pac"),
        family=family,
        task=Decay().task(),
        pruned=pruned,
        allocated=allocated,
    )


CALLS = {
    "grid": lambda made: pp.grid(k=[1, 2]),
    "get_problem by name": lambda made: pp.get_problem("friedman"),
    "get_problem by file": lambda made: pp.get_problem(made.file),
    "task": lambda made: Decay().task(k=2),
    "task of data": lambda made: pp.get_problem("friedman").task(samples=20),
    "initial network": lambda made: Decay().initial_network(0),
    "everything": lambda made: made.task.everything(),
    "fresh": lambda made: made.task.fresh(seed=1),
    "residuals": lambda made: made.task.residuals(torch.sin, made.task.everything()),
    "loss": lambda made: made.task.loss(torch.sin, made.task.everything()),
    "score": lambda made: made.task.score(torch.sin),
    "task.predict": lambda made: made.task.predict(torch.sin, T),
    "to": lambda made: made.task.to(torch.float32, "cpu").everything(),
    "fit": lambda made: pp.PAC(batchnorm_network()).fit(wave(), pp.Adam(steps=3)),
    "fit by L-BFGS": lambda made: pp.PAC(batchnorm_network()).fit(wave(), pp.LBFGS(steps=3)),
    "fit an equation": lambda made: pp.PAC(Decay().initial_network(0)).fit(made.task),
    "prune": lambda made: made.pruned.prune(0.3),
    "allocate": lambda made: made.pruned.allocate(wave(), pp.Adam(steps=3)),
    "calibrate": lambda made: made.allocated.calibrate(wave(0.5), "target", pp.Adam(steps=3)),
    "network": lambda made: made.allocated.network(),
    "solve_family": lambda made: pp.solve_family(Decay(), **QUICK),
    "solve_family of data": lambda made: pp.solve_family(Waves(), keep=0.5, solver=pp.Adam(steps=3), seed=7),
    "extend": lambda made: made.family.extend([{"k": 2.0}]),
    "predict": lambda made: made.family.predict(T, k=1.3),
    "family.network": lambda made: made.family.network(k=1.3),
    "nearest and table": lambda made: (made.family.nearest(k=2.0), made.family.table()),
    "save": lambda made: made.family.save(made.folder / "again.pac"),
    "load": lambda made: pp.load(made.saved, Decay()),
    "plot": lambda made: made.family.plot(made.folder),
    "a refused call": lambda made: pp.solve_family(Decay(), keep=2),
    "a solve that breaks off": lambda made: pp.solve_family(Decay(), **QUICK, progress=lambda progress: 1 / 0),
}


def state() -> list:
    kind, *numpy_state = np.random.get_state()
    return [
        random.getstate(),
        [kind, *(part.tolist() if isinstance(part, np.ndarray) else part for part in numpy_state)],
        torch.get_rng_state().tolist(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        dde.config.real(np),
    ]


@pytest.mark.parametrize("name", CALLS)
def test_a_call_leaves_no_trace(name, made):
    random.seed(1), np.random.seed(2), torch.manual_seed(3)
    before = state()
    with contextlib.suppress(pp.PacpinnError, ZeroDivisionError):
        CALLS[name](made)
    assert state() == before


@pytest.fixture
def unusual_defaults():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(99)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("unusual_defaults")
def test_the_users_defaults_change_no_result(solved_decay):
    family = pp.solve_family(Decay(), keep=0.5)
    assert all(same_bits(family[c].z, solved_decay[c].z) for c in solved_decay)
    assert torch.get_default_dtype() == torch.float64


def test_what_a_progress_callback_draws_changes_no_result():
    def draw(progress):
        torch.rand(3), np.random.rand(3), random.random()

    drawn, plain = (
        pp.solve_family(Waves(), keep=0.5, solver=pp.LBFGS(steps=3), progress=each) for each in (draw, lambda _: None)
    )
    assert all(same_bits(drawn[c].z, plain[c].z) for c in plain)
