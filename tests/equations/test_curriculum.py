"""Stages of a cold start: horizons, causal windows, chosen points."""

import math

import deepxde as dde
import numpy as np
import pytest
import torch

from pacpinn.equations.collocation import Collocation
from pacpinn.equations.curriculum import (
    CausalWindows,
    ChosenPoints,
    ConditionsFirst,
    Horizon,
    Stage,
    chosen_by_residual,
)
from pacpinn.errors import ResidualError
from pacpinn.tasks.task import Block
from tests.toys import Advection, Decay, SoftDecay, network_of

TIME = dde.geometry.TimeDomain(1, 5)


def column(count: int) -> torch.Tensor:
    return torch.linspace(1, 5, count, dtype=torch.float64)[:, None]


def test_the_plain_stage_leaves_a_task_as_it_is():
    task = Decay().task()
    assert task.seen_by(torch.zeros_like) is task
    assert Stage().domain(TIME) is TIME


def test_a_horizon_is_a_share_of_the_time_interval():
    assert Horizon(0.25).domain(TIME).t1 == 2
    space_time = dde.geometry.GeometryXTime(dde.geometry.Interval(0, 1), TIME)
    early = Horizon(0.5).domain(space_time)
    assert (early.timedomain.t0, early.timedomain.t1) == (1, 3)
    assert early.geometry is space_time.geometry


def test_a_horizon_bounds_training_points_fresh_points_and_conditions():
    task = Advection().task().at_stage(Horizon(0.5))
    for batch in (task.everything(), task.fresh(1)):
        assert batch.x[:, 1].max() <= 0.25
        assert len(batch.counts) == 3


def test_horizons_and_windows_need_a_time_interval():
    for ask in (lambda g: Horizon(0.5).domain(g), lambda g: CausalWindows.over(g, 2, 1.0)):
        with pytest.raises(ResidualError, match="which a Interval does not have; expected a TimeDomain"):
            ask(dde.geometry.Interval(0, 1))


def test_the_weight_of_a_window_falls_with_the_residuals_before_it():
    stage = CausalWindows.over(TIME, 4, tolerance=0.1)
    x = column(8)
    squares = 0.01 * torch.tensor([1.0, 1.0, 2.0, 2.0, 0.0, 0.0, 9.0, 9.0], dtype=torch.float64)
    weights = stage.adapted(lambda: (squares, x)).weights
    torch.testing.assert_close(weights, torch.exp(-torch.tensor([0.0, 1.0, 3.0, 3.0], dtype=torch.float64)))


def test_weights_multiply_the_squares_of_the_equations_residuals_alone():
    x, ones = column(6), torch.ones(4, dtype=torch.float64)
    batch = Collocation(x, x.numpy(), [[None]], [2])  # a condition has the first two rows
    blocks = [Block("residual", ones, torch.arange(2, 6)[:, None]), Block("condition", ones[:2])]
    weights = torch.tensor([1.0, 0.25], dtype=torch.float64)
    residual, condition = CausalWindows(2, 1.0, 1.0, 5.0, weights).weighted(blocks, batch)
    assert residual.values.tolist() == [1, 0.5, 0.5, 0.5]  # the windows meet at 3
    assert condition is blocks[1]
    assert CausalWindows(2, 1.0, 1.0, 5.0).weighted(blocks, batch) is blocks


def test_conditions_come_first_where_the_equations_weigh_little():
    class First(SoftDecay):
        conditions_first = True

    stages = First().task().easier()
    assert [each.stage for each in stages] == [ConditionsFirst(0.01), ConditionsFirst(0.1)]
    assert not any(each.estimable for each in stages)
    forward = lambda t: torch.sin(3 * t + 0.5)  # noqa: E731
    equation, start = First().task().residuals(forward, First().task().everything())
    light, same = stages[1].residuals(forward, stages[1].everything())
    torch.testing.assert_close(light.values, 0.1 * equation.values)
    torch.testing.assert_close(same.values, start.values)


def test_chosen_points_are_the_training_points_on_the_domain_of_the_stage():
    stage = Horizon(0.5).at_points(column(3).numpy(), seed=1)
    assert isinstance(stage, ChosenPoints)
    assert (stage.seed, stage.domain(TIME).t1) == (1, 3)
    assert stage.place(np.zeros((10, 1)), np.negative).tolist() == [[1.0], [3.0], [5.0]]
    again = stage.at_points(column(2).numpy(), seed=2)
    assert (again.stage, again.seed, len(again.inside)) == (Horizon(0.5), 2, 2)


def test_half_of_the_points_follow_the_residual_and_half_are_spread_evenly():
    places, squares = column(100_000), torch.zeros(100_000)
    squares[:100] = 1.0
    chosen = chosen_by_residual((squares, places), 150, seed=0)
    assert len(np.unique(chosen)) == len(chosen) == 150
    assert 0.3 < (chosen <= places[99].item()).mean() < 0.6
    assert np.array_equal(chosen, chosen_by_residual((squares, places), 150, seed=0))
    assert len(chosen_by_residual((torch.zeros(10), column(10)), 10, seed=0)) == 10  # of no residual at all: evenly


def test_easier_tasks_are_horizons_then_coefficients_then_windows():
    class All(SoftDecay):
        horizons, easy, windows = (0.5,), {"k": 0.5}, 3

    task = All().task(k=1.0)
    easier = task.easier()
    kinds = [type(each.stage) for each in easier]
    assert kinds == [Horizon, Stage, Stage, CausalWindows, CausalWindows]
    assert [each.coefficients.k for each in easier] == pytest.approx([0.5, 0.5, 0.5**0.5, 1.0, 1.0])
    assert {each.tolerance for each in easier} == {10 * task.tolerance}
    assert task.stage.seed == 0


def test_windows_are_adapted_to_a_network():
    class Windowed(Decay):
        windows = 2

    (stage,) = Windowed().task().easier()
    (size,) = Windowed().sizes_at(stage.coefficients).blocks.tolist()
    ten = 10 * Decay.tolerance * size
    exact = lambda t: (torch.exp(-t) * (1 - ten) + ten - 1) / t  # noqa: E731  (its residual is `ten` everywhere)
    weights = stage.seen_by(network_of(stage, exact)).stage.weights
    torch.testing.assert_close(weights, torch.tensor([1, math.exp(-1)], dtype=torch.float64))
