"""Sizes of initial-value problems: those of their solutions, known in closed form."""

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.collocation import bounding_box
from pacpinn.equations.initial_values import InitialValueProblem
from pacpinn.equations.residuals import Residuals
from pacpinn.equations.sizes import Sizes
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from tests.equations.units import Decay, Exact, Forced, Predators, Rod, Units, at_start, derivative, in_units

T = np.linspace(0, 2, 2001)[:, None]


def spread(problem, offset=0.0, size=1.0, **values):
    """Root mean squares of the network's outputs less the `offset`, or None; their `size` is presumed."""
    c = problem.at(values)
    outputs, (low, high) = len(problem.outputs), bounding_box(problem.geometry(c))
    residuals = Residuals(problem, c, Sizes.unit(1, outputs, 0))
    with deepxde_defaults(torch.float64, torch.device("cpu")):
        batch, sizes = problem.task(**values).everything(), size * np.ones(outputs)
        found = InitialValueProblem(residuals, batch, low[0], high[0], sizes).spread(np.broadcast_to(offset, outputs))
        return None if found is None else found[0]


def rms(*values):
    return pytest.approx([np.sqrt(np.mean(np.square(each))) for each in values], rel=2e-2)


@pytest.mark.parametrize("k", [0.5, 1.0, 2.0])
def test_a_decay(k):
    assert spread(Decay(), 300, k=k) == rms(300 * np.exp(-k * T) - 300)


def test_its_sizes_are_those_of_the_solution():
    sizes = Decay().sizes_at(Decay().source)
    assert sizes.offset.item() == 300
    assert [sizes.size.item()] == rms(300 * np.exp(-T) - 300)
    assert [sizes.variation.item()] == rms(300 * np.exp(-T) - 300 * np.exp(-T).mean())


def test_stated_sizes_stay():
    class Stated(Decay):
        sizes = {"u": 123.0}

    assert Stated().sizes_at(Stated().source).size.item() == pytest.approx(123)


def test_an_exact_condition_gives_the_first_state_and_the_size_is_that_of_the_network():
    """300 + t y = 300 exp(-t): the size of a constant y that changes the solution as much."""
    change = 300 * np.exp(-T) - 300
    assert spread(Exact()) == pytest.approx([np.linalg.norm(change) / np.linalg.norm(T)], rel=2e-2)


class Swing(Units):
    """u'' = -k² u, u = 0 and u' = 3 k at the start: 3 sin(k t)."""

    def residual(self, t, u, c):
        return dde.grad.hessian(u, t) + c.k**2 * u

    def conditions(self, geometry, c):
        def slope(t, u, _):
            return derivative(u, t) - 3 * c.k

        return [at_start(geometry, 0.0), dde.icbc.OperatorBC(geometry, slope, lambda t, _: abs(t[0]) < 1e-9)]


class ExactSwing(Swing):
    """The same by u = 3 k t + t² y."""

    def transform(self, t, y, c):
        return 3 * c.k * t + t**2 * y

    def conditions(self, geometry, c):
        return []


def test_a_second_order_equation_has_two_conditions():
    assert spread(Swing(), k=2.0) == rms(3 * np.sin(2 * T))
    left = 3 * np.sin(2 * T) - 6 * T
    assert spread(ExactSwing(), k=2.0) == pytest.approx([np.linalg.norm(left) / np.linalg.norm(T**2)], rel=2e-2)


class Coupled(Units):
    """u' + v' = -2 u, u' - v' = 0 from u = 2, v = 3: u = 2 exp(-t), v = u + 1."""

    outputs = ("u", "v")

    def residual(self, t, y, c):
        du, dv = derivative(y, t, i=0), derivative(y, t, i=1)
        return [du + dv + 2 * y[:, 0:1], du - dv]

    def conditions(self, geometry, c):
        return [at_start(geometry, 2.0), at_start(geometry, 3.0, component=1)]


def test_each_residual_may_have_the_derivatives_of_several_outputs():
    assert spread(Coupled()) == rms(2 * np.exp(-T), 2 * np.exp(-T) + 1)


class Stiff(Units):
    """u' = -1e6 (u - cos t), u(0) = 1."""

    def residual(self, t, u, c):
        return derivative(u, t) + 1e6 * (u - torch.cos(t))

    def conditions(self, geometry, c):
        return [at_start(geometry, 1.0)]


def test_a_stiff_equation():
    assert spread(Stiff()) == rms(np.cos(T))


@pytest.mark.parametrize("kind", [Predators, Forced], ids=lambda each: each.__name__)
def test_they_change_by_the_units_alone(kind):
    one, other = in_units(kind, 1.0, (1.0, 1.0)), in_units(kind, 1e3, (1e-4, 1e5))
    units = np.array([1e-4, 1e5])[: len(one.outputs)]
    assert spread(other, size=units) == pytest.approx(units * spread(one), rel=1e-6)


class Outbreak(Units):
    """i' = 20 i (1 - i), i(0) = 1e-6: the start tells nothing of what follows."""

    def residual(self, t, u, c):
        return derivative(u, t) - 20 * u * (1 - u)

    def conditions(self, geometry, c):
        return [at_start(geometry, 1e-6)]


def test_what_grows_over_orders_of_magnitude_has_the_size_that_it_grows_to():
    assert Outbreak().sizes_at(Outbreak().source).size.item() == pytest.approx(np.sqrt(1.3 / 2), rel=0.05)


# No initial-value problem ---------------------------------------------------------------------------------------------


class Explodes(Units):
    """u' = u², u(0) = 1 has no solution beyond t = 1."""

    def residual(self, t, u, c):
        return derivative(u, t) - u**2

    def conditions(self, geometry, c):
        return [at_start(geometry, 1.0)]


class Algebraic(Coupled):
    """v = u: no derivative of v."""

    def residual(self, t, y, c):
        return [derivative(y, t, i=0) + y[:, 0:1], y[:, 1:2] - y[:, 0:1]]


class WithoutStart(Decay):
    """Nothing tells where it starts."""

    def conditions(self, geometry, c):
        return []


class ByLogarithm(Decay):
    """u = exp(y): no size of y does what a size of u does."""

    def transform(self, t, y, c):
        return 300 * torch.exp(t * y)


class Nonlinear(Units):
    """u'² = u² from 0.1 has two slopes at each state."""

    def residual(self, t, u, c):
        return derivative(u, t) ** 2 - u**2

    def conditions(self, geometry, c):
        return [at_start(geometry, 0.1)]


class OfAllPoints(Decay):
    """A function that takes no other points than those it is made for."""

    def residual(self, t, u, c):
        if len(t) < 40:
            raise ValueError("expected all points")
        return super().residual(t, u, c)


@pytest.mark.parametrize(
    "kind",
    [Rod, Explodes, Algebraic, WithoutStart, ByLogarithm, Nonlinear, OfAllPoints],
    ids=lambda each: each.__name__,
)
def test_others_have_none(kind):
    assert spread(kind()) is None


def test_deepxde_code_has_the_sizes_of_its_solution():
    def data(c):
        time = dde.geometry.TimeDomain(0, 2)
        start = dde.icbc.IC(time, lambda t: 300, lambda t, on: on)
        return dde.data.PDE(time, lambda t, u: dde.grad.jacobian(u, t) + c.k * u, start, 32, 2)

    given = pp.from_deepxde(data, dde.nn.FNN([1, 6, 1], "tanh", "Glorot normal"), {"k": pp.Coefficient(1.0, 0.5, 2.0)})
    assert given.sizes_at(given.source).size.tolist() == rms(300 * np.exp(-T) - 300)
