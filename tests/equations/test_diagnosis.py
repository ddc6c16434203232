"""What is said of a source that is not solved."""

import deepxde as dde
import pytest
import torch

from pacpinn.equations.diagnosis import diagnosis
from tests.equations.units import Units, derivative
from tests.toys import Advection, Level, Rotation, SoftDecay, network_of


def lines(problem, function, tried=(), left=()):
    task = problem.task()
    return diagnosis(task, network_of(task, function), tried, left).splitlines()


def test_three_lines_what_is_left_what_was_tried_and_what_to_try():
    first, second, third = lines(SoftDecay(), lambda t: torch.exp(-t) + t**4, ["a warm-up by Adam", "more points"])
    assert first.startswith("largest is residual, ")
    assert " of its size, most at t = 1," in first  # 4 t³ + t⁴ is largest at the end
    assert ", next is condition 1 (IC) with " in first
    assert second == "tried besides: a warm-up by Adam, more points"
    assert third.startswith("to try: more points, ")


def test_a_condition_may_be_what_is_left():
    first, *_ = lines(SoftDecay(), lambda t: 100 * torch.exp(-t))
    assert first.startswith("largest is condition 1 (IC), ")
    assert "most at t = 0, next is residual" in first


def test_the_size_is_that_of_the_residual_on_points_that_training_has_not_seen():
    class Plain(SoftDecay):
        sizes = {"residual": 2.0, "condition 1": 1.0}

    first, *_ = lines(Plain(), lambda t: torch.exp(-t) + (1 - torch.exp(-t)) * 0.5)  # a residual of 0.5
    assert first.startswith("largest is residual, 2.5e-01 of its size")


def test_nothing_else_was_tried():
    assert lines(SoftDecay(), torch.exp)[1] == "tried: one first network"


def test_what_no_effort_was_left_for_is_named():
    found = lines(SoftDecay(), torch.exp, ["a warm-up by Adam"], ["growing horizons", "more points"])[1]
    assert found == (
        "tried besides: a warm-up by Adam; not tried, as the effort is used up: growing horizons, more points"
    )


def test_one_block_has_none_beside_and_every_input_is_named():
    class Alone(Advection):
        def conditions(self, geometry, c):
            return []

    first, *_ = lines(Alone(), lambda x: x[:, 0:1] ** 2 + 0 * x[:, 1:2])
    assert "most at x = " in first
    assert ", t = " in first
    assert "next is" not in first


def test_a_residual_that_is_not_finite_comes_first_with_its_point():
    class Rooted(Rotation):
        def residual(self, t, y, c):
            first, second = super().residual(t, y, c)
            return [100 + first, second + torch.sqrt(0.5 - t)]

    first, *_ = lines(Rooted(), lambda t: torch.cat([t, t], dim=1))
    assert first.startswith("largest is residual 2, nan of its size, most at t = ")


def test_a_condition_that_mixes_rows_has_no_point():
    first, *_ = lines(Level(), lambda x: 0 * x[:, :1] + torch.where(x[:, :1] > 0.5, 9.0, -9.0))
    assert first.startswith("largest is condition 1 (LevelBC), ")
    assert "most at" not in first


class Rate(Units):
    """u' = rate k u on [0, 1]."""

    rate = 0.0

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, 1)

    def residual(self, t, u, c):
        return derivative(u, t) - self.rate * c.k * u

    def conditions(self, geometry, c):
        return [dde.icbc.IC(geometry, lambda t: 1.0, lambda _, on_initial: on_initial)]


@pytest.mark.parametrize(
    ("rate", "advice"),
    [
        (-1e4, "the system is stiff: it has rates of 1e+04 per time interval"),
        (12.0, "a small change grows by about e^12 over the time interval"),
        (1.0, "more points, a wider network"),
    ],
)
def test_advice_follows_the_rates(rate, advice):
    problem = type("Rated", (Rate,), {"rate": rate})()
    assert lines(problem, lambda t: 1 + 0 * t)[2].startswith(f"to try: {advice}")
