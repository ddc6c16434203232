"""What does not fit is refused before any work, with what would; what is foretold is what is used."""

import json
import re
import subprocess
import sys

import pytest
import torch

import pacpinn as pp
from pacpinn.errors import NotEnoughMemory
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.choice import InTurn
from pacpinn.solvers.lbfgs import LBFGS
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.solvers.memory_estimate import Footprint, require_memory
from tests.toys import Decay, Waves

HERE = "pacpinn.solvers.memory_estimate.available_memory"


class Huge(Decay):
    """More points than any machine has room for."""

    points = pp.Points(domain=10**13)


class Many(Decay):
    points = pp.Points(domain=5000)
    hidden = (64, 64)


def objective(problem: pp.Problem) -> Objective:
    return Objective(problem.task(), MaskedNetwork(problem.initial_network(seed=0)))


@pytest.mark.parametrize("solver", [None, "adam", "lbfgs", ["adam", "levenberg-marquardt"]])
def test_a_family_that_cannot_fit_is_refused(solver):
    with pytest.raises(NotEnoughMemory, match=r"k=1 on 10,000,000,000,000 points .* GiB .* at most [\d,]+ points fit"):
        pp.solve_family(Huge(), solver=solver)


def test_so_is_a_step_by_hand():
    problem = Huge()
    pac = pp.PAC(problem.initial_network(seed=0))
    with pytest.raises(NotEnoughMemory, match="at most"):
        pac.fit(problem.task())
    pac.prune(keep=0.5)
    with pytest.raises(NotEnoughMemory, match="at most"):
        pac.allocate(problem.task())


@pytest.mark.parametrize("solver", [LevenbergMarquardt(), Adam(), LBFGS(), InTurn([Adam(), LevenbergMarquardt()])])
def test_what_the_refusal_names_fits(solver, monkeypatch):
    monkeypatch.setattr(HERE, lambda _: 2**25)
    with pytest.raises(NotEnoughMemory) as refusal:
        require_memory(objective(Many()), solver)
    count = int(re.search(r"at most ([\d,]+) points", str(refusal.value))[1].replace(",", ""))

    class Fewer(Many):
        points = pp.Points(domain=count)

    class OneMore(Many):
        points = pp.Points(domain=count + 1)

    assert 0 < count < 5000
    require_memory(objective(Fewer()), solver)
    with pytest.raises(NotEnoughMemory):
        require_memory(objective(OneMore()), solver)


def test_where_nothing_fits_it_says_so(monkeypatch):
    monkeypatch.setattr(HERE, lambda _: 0)
    with pytest.raises(NotEnoughMemory, match="not even one point fits: take a smaller network"):
        require_memory(objective(Many()), LevenbergMarquardt())


def test_a_small_solve_needs_no_trial(monkeypatch):
    monkeypatch.setattr(Footprint, "of", lambda _: pytest.fail("it was tried"))
    require_memory(objective(Decay()), LevenbergMarquardt())


def test_data_are_counted_too(monkeypatch):
    monkeypatch.setattr(HERE, lambda _: 10)
    problem = Waves()
    with pytest.raises(NotEnoughMemory, match="points"):
        require_memory(objective(problem), LevenbergMarquardt())


def test_a_trial_counts_what_the_batch_will_be():
    problem = Many()
    footprint = Footprint.of(objective(problem))
    assert (footprint.points, footprint.weights) == (
        5000,
        sum(each.numel() for each in problem.network(0).parameters()),
    )
    assert footprint.residuals == 1
    assert footprint.factored
    assert 128 * 8 < footprint.pass_bytes < 50 * 128 * 8  # two layers, their tanh and derivatives


def test_a_solver_of_ones_own_is_not_asked():
    require_memory(objective(Huge()), lambda objective, z, report: None)


LARGE = """
import json, pathlib, re, torch
import pacpinn as pp
from pacpinn.transfer.methods import from_scratch
from pacpinn.networks.objective import Objective
from pacpinn.solvers.memory_estimate import Footprint

class Large(type(pp.get_problem("burgers"))):
    points, hidden = pp.Points(domain=1536), (128, 128, 128, 128)

torch.set_num_threads(1)
method = from_scratch(Large().initial_network(0))
objective = Objective(Large().task(), method.masked)
solver = pp.LevenbergMarquardt(max_steps=2)
needed = solver.bytes_needed(Footprint.of(objective))
status = pathlib.Path("/proc/self/status")  # getrusage remembers what the process that started this one took
peak = lambda: 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1])
before = peak()
result = solver(objective, method.start)
print(json.dumps([needed, peak() - before, peak(), len(method.start)]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_a_large_network_trains_within_4_gib_and_as_foretold():
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    needed, used, peak, weights = json.loads(done.stdout.splitlines()[-1])
    assert weights == 50_049
    assert peak < 4 * 2**30
    assert used / 2 <= needed <= 2 * used


def test_its_default_dtype_is_left_alone():
    before = torch.get_default_dtype()
    Footprint.of(objective(Many()))
    assert torch.get_default_dtype() is before
