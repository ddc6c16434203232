"""Growth and stiffness of systems in time, against eigenvalues by hand."""

import deepxde as dde
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.kinetics import Kinetics
from tests.equations.units import Forced, Predators, Rod, Units, at_start, derivative, in_units
from tests.toys import Advection, Rotation, SoftDecay, network_of


def along(problem, *state):
    """The kinetics along a constant solution."""
    task = problem.task()
    return Kinetics.of(task, network_of(task, lambda t: t.new_tensor(state) + 0 * t**3))


class Epidemic(Units):
    """s' = -3 s i, i' = (3 s - 1) i on [0, 40]."""

    outputs = ("s", "i")

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, 40)

    def residual(self, t, y, c):
        s, i = y[:, 0:1], y[:, 1:2]
        return [derivative(y, t, i=0) + 3 * s * i, derivative(y, t, i=1) - (3 * s - c.k) * i]

    def conditions(self, geometry, c):
        return [at_start(geometry, 1.0), at_start(geometry, 1e-6, component=1)]


def test_an_epidemic_grows_among_the_susceptible_and_dies_out_without_them():
    """Eigenvalues: 0 and 3 s - 1 where nobody is infected."""
    assert along(Epidemic(), 1.0, 0.0) == pytest.approx((2 * 40, 0), abs=1e-6)
    assert along(Epidemic(), 0.0, 0.0) == pytest.approx((0, 1 * 40), abs=1e-6)
    assert along(Epidemic(), 0.5, 0.0) == pytest.approx((0.5 * 40, 0), abs=1e-6)


class Logistic(Units):
    """u' = k u (1 - u / 1000) on [0, 2]."""

    def residual(self, t, u, c):
        return derivative(u, t) - c.k * u * (1 - u / 1000)

    def conditions(self, geometry, c):
        return [at_start(geometry, 10.0)]


@pytest.mark.parametrize(("state", "growth", "decay"), [(0, 2, 0), (1000, 0, 2), (250, 1, 0), (500, 0, 0)])
def test_logistic_growth(state, growth, decay):
    """The derivative of f is k (1 - u / 500)."""
    assert along(Logistic(), float(state)) == pytest.approx((growth, decay), abs=1e-6)


def test_the_largest_rate_along_a_solution_counts():
    task = Logistic().task()
    found = Kinetics.of(task, network_of(task, lambda t: 500 * t))  # from 0 to 1000
    assert found == pytest.approx((2, 2), abs=1e-6)


def test_a_stiff_equation():
    class Stiff(SoftDecay):
        def residual(self, t, u, c):
            return derivative(u, t) + 1e5 * c.k * (u - torch.cos(t))

    assert along(Stiff(), 0.3) == pytest.approx((0, 1e5), rel=1e-6)


def test_a_rotation_neither_grows_nor_decays():
    assert along(Rotation(), 0.2, 0.1) == pytest.approx((0, 0), abs=1e-6)


@pytest.mark.parametrize(("a", "b"), [(1.0, (1.0, 1.0)), (1e4, (1e-6, 1e3)), (1e-5, (1e9, 1.0))])
def test_rates_are_the_same_in_all_units(a, b):
    """At rest, u = 20000 and v = 0.02, the eigenvalues are imaginary; without prey they are 1 - 50 v and -1."""
    problem = in_units(Predators, a, b)
    assert along(problem, 2e4 * b[0], 0.02 * b[1]) == pytest.approx((0, 0), abs=1e-5)
    assert along(problem, 0.0, 0.0) == pytest.approx((2, 2), abs=1e-5)


def test_a_mass_before_the_derivative_counts():
    class Heavy(SoftDecay):
        def residual(self, t, u, c):
            return 4 * (1 + t) * derivative(u, t) - 12 * c.k * u

    assert along(Heavy(), 1.0) == pytest.approx((3, 0), abs=1e-6)  # at the beginning


def test_what_is_no_system_of_first_order_in_time_has_no_kinetics():
    class Algebraic(Rotation):
        def residual(self, t, y, c):
            first, _ = super().residual(t, y, c)
            return [first, c.w * y[:, 0:1] - y[:, 1:2]]

    class Single(Rotation):
        def residual(self, t, y, c):
            return sum(super().residual(t, y, c))

    class Infinite(SoftDecay):
        def residual(self, t, u, c):
            return derivative(u, t) + c.k * torch.sqrt(u)

    assert along(Advection(), 0.0) is None
    assert along(Rod(), 300.0) is None
    assert along(Forced(), 0.0) is None  # of second order
    assert along(Algebraic(), 0.0, 0.0) is None
    assert along(Single(), 0.0, 0.0) is None
    assert along(Infinite(), -1.0) is None


def test_a_transform_is_part_of_the_solution():
    class Positive(pp.Equation):
        """u' = 2 k u with u = exp(y)."""

        k = pp.Coefficient(1.0, low=0.5, high=2.0)
        inputs, points, hidden = ("t",), pp.Points(domain=16, boundary=2), (6,)

        def geometry(self, c):
            return dde.geometry.TimeDomain(0, 1)

        def residual(self, t, u, c):
            return derivative(u, t) - 2 * c.k * u

        def transform(self, t, y, c):
            return torch.exp(y)

        def conditions(self, geometry, c):
            return [at_start(geometry, 1.0)]

    assert along(Positive(), 0.5) == pytest.approx((2, 0), abs=1e-6)
