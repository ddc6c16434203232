"""Training from scratch: warm-up, easier tasks, the task itself."""

import pytest
import torch

import pacpinn as pp
from pacpinn.cold_start import cold_start
from pacpinn.errors import ResidualError
from pacpinn.solvers import LevenbergMarquardt, Result, Status
from tests.toys import Decay, same_bits


class Late(Decay):
    """A decay that is to be solved on a quarter and on a half of the time first."""

    horizons = (0.25, 0.5)


class Recording:
    """A solver that notes what it was given and moves the weights by one."""

    def __init__(self):
        self.ends, self.starts = [], []

    def __call__(self, objective, z, report):
        self.ends.append(objective.task.everything().x.max().item())
        self.starts.append(z)
        return Result(z + 1, Status.CONVERGED, steps=2, seconds=0.5, history=[1.0])


def test_the_horizon_grows_and_each_solve_starts_where_the_last_one_ended():
    solver, network = Recording(), Late().initial_network(seed=0)
    masked, result = cold_start(network, Late().task(), solver)
    assert 0.2 < solver.ends[0] <= 0.25 < solver.ends[1] <= 0.5 < solver.ends[2] <= 1
    for before, after in zip(solver.starts, solver.starts[1:], strict=False):
        assert same_bits(after, before + 1)
    assert same_bits(masked.weights, solver.starts[-1] + 1)
    assert masked.free.all()
    assert (result.steps, result.seconds, result.history) == (6, 1.5, [1.0] * 3)


def test_a_problem_with_horizons_is_solved_on_the_whole_interval():
    network, result = cold_start(Late().initial_network(seed=0), Late().task())
    assert result.status == Status.CONVERGED
    assert Late().task().score(network.forward(network.start)).value < 1e-3


def test_horizons_need_a_time_interval():
    class Timeless(Late):
        def geometry(self, c):
            import deepxde as dde

            return dde.geometry.Interval(0, 1)

    with pytest.raises(ResidualError, match="Interval"):
        cold_start(Timeless().initial_network(seed=0), Timeless().task())


def test_a_warm_up_goes_before_the_default_solver_alone():
    class Cold(Decay):
        warm_up = 7

    network = Cold().initial_network(seed=0)
    steps = []
    cold_start(network, Cold().task(), report=lambda step, loss: steps.append(step))
    assert steps[:7] == [1, 2, 3, 4, 5, 6, 7]
    assert len(steps) > 7
    solver = Recording()
    cold_start(network, Cold().task(), solver)
    assert len(solver.starts) == 1


def test_the_network_given_stays_as_it_is():
    network = Decay().initial_network(seed=0)
    before = [each.clone() for each in network.parameters()]
    cold_start(network, Decay().task(), LevenbergMarquardt(max_steps=2))
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_solve_family_starts_cold_by_way_of_the_horizons():
    family = pp.solve_family(Late(), targets=[{"k": 1.1}], keep=0.5)
    assert family.targets[0].status == Status.CONVERGED
