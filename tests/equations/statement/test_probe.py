"""Derivatives in a residual and their coefficients, found by evaluating it."""

import deepxde as dde
import numpy as np
import pytest

import pacpinn as pp
from pacpinn.equations.statement.probe import Probe
from tests.toys import Advection

X = np.array([[0.5, 0.25], [1.5, 0.5], [2.0, 0.75]])


class Mixed(pp.Equation):
    """u_t - x u_xx + u^2 v_x and v_t + 1e-3 v_xt on [0, 2] x [0, 1]."""

    k = pp.Coefficient(1.0, low=0.5, high=2.0)
    outputs = ("u", "v")

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Interval(0, 2), dde.geometry.TimeDomain(0, 1))

    def residual(self, x, y, c):
        u_t, v_t = (dde.grad.jacobian(y, x, i=k, j=1) for k in (0, 1))
        u_xx = dde.grad.hessian(y, x, component=0, i=0, j=0)
        v_xt = dde.grad.hessian(y, x, component=1, i=0, j=1)
        return [
            u_t - x[:, :1] * u_xx + y[:, :1] ** 2 * dde.grad.jacobian(y, x, i=1, j=0),
            v_t + 1e-3 * v_xt + dde.grad.jacobian(y, x, i=1, j=0) * 0,
        ]


@pytest.fixture
def probe():
    return Probe(Mixed().task())


def test_coefficients_are_in_units_of_the_width(probe):
    found = probe.coefficient(X, 0, 2, output=0)
    np.testing.assert_allclose(found, [-X[:, 0] / 4, [0, 0, 0]])
    np.testing.assert_allclose(probe.coefficient(X, 1, 1), [[1, 1, 1], [1.37, 1.37, 1.37]])


def test_other_derivatives_do_not_count(probe):
    """Neither the mixed derivative of v nor the first of u makes a second derivative."""
    assert not probe.coefficient(X, 0, 2, output=1).any()
    assert not probe.coefficient(X, 1, 2).any()
    assert not probe.coefficient(X, 0, 3).any()


def test_at_a_level_a_coefficient_depends_on_the_place_alone(probe):
    level, wavy = (probe.coefficient(X, 0, 1, output=1, level=each)[0] for each in (True, False))
    np.testing.assert_allclose(level, level[0])
    assert np.ptp(wavy) > 0.1


def test_a_residual_that_takes_no_other_points_has_no_derivatives():
    class Tied(Advection):
        def residual(self, x, u, c):
            raise RuntimeError

    assert not Probe(Tied().task()).coefficient(X[:1], 1, 1).any()
