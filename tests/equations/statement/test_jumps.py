"""Coefficients of second derivatives that jump."""

import logging

import deepxde as dde
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.statement.jumps import warn_of_jumps
from tests.toys import EQUATIONS


def said(problem, caplog):
    with caplog.at_level(logging.WARNING, logger="pacpinn"):
        warn_of_jumps(problem.task())
    return caplog.text


class Rod(pp.Equation):
    """(k(x) u_x)_x = f(x) on [0, 2], with k and f as `conductivity` and `heating` give them."""

    k = pp.Coefficient(1.0, low=0.5, high=2.0)
    inputs = ("x",)
    hidden = (6,)

    def geometry(self, c):
        return dde.geometry.Interval(0, 2)

    def conductivity(self, x, u):
        return 1 + 0 * x

    def heating(self, x):
        return 0 * x

    def residual(self, x, u, c):
        flux = self.conductivity(x, u) * dde.grad.jacobian(u, x)
        return dde.grad.jacobian(flux, x) - self.heating(x)


def step(x, low=1.0, high=3.0):
    return torch.where(x < 0.9, low, high)


SMOOTH = {
    "constant": {},
    "a steep layer": {"conductivity": lambda self, x, u: 2 + torch.tanh((x - 0.9) / 1e-3)},
    "a kink": {"conductivity": lambda self, x, u: 1 + (x - 0.9).abs()},
    "a zero": {"conductivity": lambda self, x, u: (x - 0.9) ** 2},
    "a pole": {"conductivity": lambda self, x, u: 1 / (x - 0.9) ** 2},
    "a source that jumps": {"heating": lambda self, x: 50 * step(x)},
    "a function of the solution": {"conductivity": lambda self, x, u: torch.where(u < 1.3, 1.0, 3.0) + 0 * x},
    "one side alone": {"conductivity": lambda self, x, u: step(x, 0.0)},
}


@pytest.mark.parametrize("case", SMOOTH)
def test_what_is_no_jump_says_nothing(case, caplog):
    assert not said(type("Smooth", (Rod,), SMOOTH[case])(), caplog)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_toys_say_nothing(equation, caplog):
    assert not said(equation(), caplog)


@pytest.mark.parametrize("high", [1.1, 3.0, -3.0, 1e6])
def test_a_jump_is_found_between_two_points(high, caplog):
    jumping = type("Jumping", (Rod,), {"conductivity": lambda self, x, u: step(x, high=high)})()
    text = said(jumping, caplog)
    assert "jumping: the coefficient of the second derivative of u by x jumps" in text
    assert "between x = 0.8975 and x = 0.9025" in text
    assert "two outputs" in text
    assert len(caplog.records) == 1


def test_a_jump_is_found_beside_a_layer(caplog):
    def conductivity(self, x, u):
        return step(x, high=1.1) * (2 + 1.9 * torch.tanh((x - 0.3) / 5e-3))

    assert "between x = 0.8975" in said(type("Layered", (Rod,), {"conductivity": conductivity})(), caplog)


class Inclusion(Rod):
    """A disk of another conductivity in a rectangle, in time."""

    inputs = ("x", "y", "t")

    def geometry(self, c):
        space = dde.geometry.Rectangle([-1, -1], [1, 1])
        return dde.geometry.GeometryXTime(space, dde.geometry.TimeDomain(0, 1))

    def residual(self, x, u, c):
        inside = torch.where((x[:, :2] ** 2).sum(1, keepdim=True) < 0.25, 4.0, 1.0)
        laplacian = dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)
        return dde.grad.jacobian(u, x, j=2) - inside * laplacian


def test_an_inclusion_is_found_in_both_directions(caplog):
    text = said(Inclusion(), caplog)
    assert "of u by x jumps" in text
    assert "of u by y jumps" in text


def test_two_outputs_one_for_each_side_say_nothing(caplog):
    class Joined(Rod):
        outputs = ("left", "right")

        def residual(self, x, y, c):
            left, right = (dde.grad.hessian(y, x, component=k) for k in (0, 1))
            return torch.where(x < 0.9, left, 3 * right)

    assert not said(Joined(), caplog)


def test_a_jump_in_time_says_nothing(caplog):
    class Switched(Inclusion):
        def residual(self, x, u, c):
            diffusivity = torch.where(x[:, 2:] < 0.5, 4.0, 1.0)
            return dde.grad.jacobian(u, x, j=2) - diffusivity * dde.grad.hessian(u, x, i=0, j=0)

    assert not said(Switched(), caplog)
