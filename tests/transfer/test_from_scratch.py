"""Training from scratch: warm-up, easier tasks, the task itself, points drawn anew."""

import math
from itertools import groupby

import pytest
import torch

import pacpinn as pp
from pacpinn.errors import CoefficientError, ResidualError
from pacpinn.solvers.base import Result, Status
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.transfer.from_scratch import cold_start
from tests.toys import Decay, Rotation, same_bits


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
    first, second, whole = (end for end, _ in groupby(solver.ends))
    assert 0.2 < first <= 0.25 < second <= 0.5 < whole <= 1
    for before, after in zip(solver.starts, solver.starts[1:], strict=False):
        assert same_bits(after, before + 1)
    assert same_bits(masked.weights, solver.starts[-1] + 1)
    assert masked.free.all()
    rounds = len(solver.starts)
    assert rounds > 3  # on two horizons and on the whole interval, one for each smaller residual
    assert (result.steps, result.seconds, result.history) == (2 * rounds, 0.5 * rounds, [1.0] * rounds)


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
    steps.clear()
    cold_start(network, Cold().task(), solver, report=lambda step, loss: steps.append(step))
    assert not steps
    assert same_bits(solver.starts[0], torch.cat([each.detach().flatten() for each in network.parameters()]))


def test_the_network_given_stays_as_it_is():
    network = Decay().initial_network(seed=0)
    before = [each.clone() for each in network.parameters()]
    cold_start(network, Decay().task(), LevenbergMarquardt(max_steps=2))
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_solve_family_starts_cold_by_way_of_the_horizons():
    family = pp.solve_family(Late(), targets=[{"k": 1.1}], keep=0.5)
    assert family.targets[0].status == Status.CONVERGED


# Easier coefficients --------------------------------------------------------------------------------------------------


class Spin(Rotation):
    """A rotation that is too fast for a network to learn at once."""

    w = pp.Coefficient(1.0, low=0.5, high=50.0, doc="angular speed")
    points = pp.Points(domain=64)
    hidden = (12, 12)

    def scale(self, c):
        return c.w


def reached(problem, seed: int = 0, **values: float) -> tuple[Result, float]:
    """How a cold start ends, each of its solves within 400 steps, and its error."""
    task = problem.task(**values)
    network, result = cold_start(problem.initial_network(seed), task, LevenbergMarquardt())
    return result, task.score(network.forward(network.start)).value


def test_a_walk_from_easy_coefficients_goes_in_strides_of_an_eighth_of_their_range():
    class Walk(Decay):
        easy = {"k": 0.2}
        horizons = (0.5,)

    visited = []

    def solver(objective, z, report):
        visited.append((objective.task.coefficients.k, objective.task.everything().x.max().item() > 0.5))
        return Result(z, Status.CONVERGED, steps=1, seconds=0.1)

    task = Walk().task(k=2.0)
    task.tolerance = 0.02
    cold_start(Walk().initial_network(seed=0), task, solver)
    k, whole = zip(*(each for each, _ in groupby(visited)), strict=True)
    assert whole == (False, True, True, True, True, True)
    assert k == pytest.approx([0.2, *(0.2 * 10 ** (i / 4) for i in range(5))])
    assert {each.tolerance for each in task.easier()} == {0.2}


def test_at_the_easy_coefficients_there_is_nowhere_to_walk():
    class Walk(Decay):
        easy = {"k": 2.0}

    assert list(Walk().task(k=2.0).easier()) == []


def test_easy_coefficients_are_checked():
    class Walk(Decay):
        easy = {"speed": 2.0}

    with pytest.raises(CoefficientError, match="speed"):
        cold_start(Walk().initial_network(seed=0), Walk().task())


def test_a_fast_rotation_is_not_learnt_at_once():
    plain, error = reached(Spin(), seed=1, w=30.0)
    assert plain.status is Status.STALLED
    assert error > 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("way", "seed", "w"), [({"easy": {"w": 2.0}}, 1, 30.0), ({"windows": 8}, 0, 20.0)], ids=str)
def test_a_fast_rotation_is_learnt_by_way_of_a_slow_one_or_window_by_window(way, seed, w):
    _, error = reached(type("Helped", (Spin,), way)(), seed, w=w)
    assert error < 0.01


# Windows --------------------------------------------------------------------------------------------------------------


def network_of(problem, u):
    """The network with which the source's solution is the function `u` of the time."""
    sizes = problem.sizes_at(problem.source)

    def forward(x):
        t = sizes.centre + sizes.half * x
        return ((u(t) - 1) / t - sizes.offset) / sizes.size  # the transform of Decay

    return forward


def stages(problem, forward, **values: float):
    """The easier tasks of a cold start, as each sees the network `forward`."""
    return [each.seen_by(forward) for each in problem.task(**values).easier()]


def test_later_windows_count_once_earlier_ones_are_solved():
    class Windowed(Decay):
        windows = 4

    def shares(u) -> list[float]:
        """By how much the loss of each window is weighed down."""
        forward = network_of(Windowed(), u)
        stage, plain = stages(Windowed(), forward)[0], Windowed().task()
        batch = plain.everything()
        (weighed,), (each,) = stage.residuals(forward, batch), plain.residuals(forward, batch)
        ratio = (weighed.values / each.values).detach() ** 2
        window = (4 * batch.x[each.rows[:, 0], 0]).long().clamp(max=3)
        assert all(ratio[window == i].std() < 1e-9 for i in range(4))
        return [ratio[window == i].mean().item() for i in range(4)]

    assert len(stages(Windowed(), torch.zeros_like)) == 3
    assert shares(lambda t: 1 + t) == pytest.approx([1, 0, 0, 0])
    assert shares(lambda t: torch.exp(-t) + 1e-6 * t**2) == pytest.approx([1] * 4, abs=1e-3)
    # Residuals of one size, ten tolerances: each window before counts for 1 / e.
    ten = 10 * Decay.tolerance * float(Windowed().sizes_at(Decay().source).blocks[0])
    exact = lambda t: torch.exp(-t) * (1 - ten) + ten  # noqa: E731  (its residual is `ten` everywhere)
    assert shares(exact) == pytest.approx([math.exp(-i) for i in range(4)], rel=1e-6)


def test_windows_need_a_time_interval():
    class Timeless(Decay):
        windows = 2

        def geometry(self, c):
            import deepxde as dde

            return dde.geometry.Interval(0, 1)

    with pytest.raises(ResidualError, match="Interval"):
        cold_start(Timeless().initial_network(seed=0), Timeless().task())


# Points chosen by the residual ----------------------------------------------------------------------------------------


class Sudden(Decay):
    """A decay so fast that hardly a training point sees it."""

    k = pp.Coefficient(1.0, low=0.1, high=100.0, scale="log", doc="rate")


def test_a_sudden_decay_is_learnt_several_times_better_on_points_chosen_by_the_residual():
    class Even(Sudden):
        adaptive = 0

    (_, even), (_, chosen) = reached(Even(), k=50.0), reached(Sudden(), k=50.0)
    assert even > 0.2
    assert chosen < even / 3
