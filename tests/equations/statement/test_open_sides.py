"""Sides and times without a condition are named, and those that need none are not."""

import logging

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.statement.open_sides import warn_of_open_sides
from pacpinn.family.plan import plan_family
from tests.toys import EQUATIONS, Level, SoftDecay

SECOND = "the residual has second derivatives by"


def said(problem, caplog, network=None):
    with caplog.at_level(logging.WARNING, logger="pacpinn"):
        warn_of_open_sides(problem.task(), network or problem.initial_network(0).double())
    return caplog.text


def side(j, *values):
    return lambda x, on: on and any(np.isclose(x[j], each) for each in values)


def value(geometry, where):
    return dde.icbc.DirichletBC(geometry, lambda x: 0, where)


def slope(geometry, where):
    return dde.icbc.NeumannBC(geometry, lambda x: 0, where)


class Stated(pp.Equation):
    """An equation with the conditions that `made` gives for its geometry."""

    k = pp.Coefficient(1.0, low=0.5, high=2.0)
    inputs = ("x", "y")
    hidden = (6,)
    points = pp.Points(domain=20, boundary=20, initial=20)
    domain = dde.geometry.Rectangle([0, 0], [1, 2])

    def geometry(self, c):
        return self.domain

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x, i=0, j=0) + c.k * dde.grad.hessian(u, x, i=1, j=1)

    def conditions(self, geometry, c):
        return self.made(geometry)


class Rod(Stated):
    inputs = ("x",)
    domain = dde.geometry.Interval(0, 1)

    def residual(self, x, u, c):
        return c.k * dde.grad.hessian(u, x) + u


class Heat(Stated):
    inputs = ("x", "t")
    domain = dde.geometry.GeometryXTime(dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1))

    def residual(self, x, u, c):
        return dde.grad.jacobian(u, x, j=1) - c.k * dde.grad.hessian(u, x, i=0, j=0)


class Transport(Heat):
    def residual(self, x, u, c):
        return dde.grad.jacobian(u, x, j=1) + c.k * dde.grad.jacobian(u, x, j=0)


class Waves(Heat):
    def residual(self, x, u, c):
        return dde.grad.hessian(u, x, i=1, j=1) - c.k * dde.grad.hessian(u, x, i=0, j=0)


class Degenerate(Heat):
    """No second derivative at x = 0, as in the equation of Black and Scholes."""

    def residual(self, x, u, c):
        return dde.grad.jacobian(u, x, j=1) - c.k * x[:, :1] ** 2 * dde.grad.hessian(u, x, i=0, j=0)


class Round(Stated):
    domain = dde.geometry.Disk([0, 0], 1)


def start(geometry):
    return dde.icbc.IC(geometry, lambda x: 0, lambda _, on: on)


def everywhere(_, on):
    return on


def periodic(geometry):
    return dde.icbc.PeriodicBC(geometry, 0, side(0, 0))


def data(count):
    return dde.icbc.PointSetBC(np.full((count, 2), 0.5), np.zeros((count, 1)))


COMPLETE = {
    "square": (Stated, lambda g: [value(g, everywhere)]),
    "square by parts": (Stated, lambda g: [value(g, side(0, 0, 1)), slope(g, side(1, 0, 2))]),
    "part of a side": (Stated, lambda g: [value(g, lambda x, on: on and not (x[0] > 0.5 and np.isclose(x[1], 2)))]),
    "data inside": (Stated, lambda g: [value(g, side(0, 0)), data(10)]),
    "two ends": (Rod, lambda g: [value(g, side(0, 0)), slope(g, side(0, 1))]),
    "an initial value problem in space": (Rod, lambda g: [value(g, side(0, 0)), slope(g, side(0, 0))]),
    "heat": (Heat, lambda g: [start(g), value(g, everywhere)]),
    "heat, periodic": (Heat, lambda g: [start(g), periodic(g)]),
    "backwards in time": (Heat, lambda g: [value(g, everywhere), value(g, lambda x, _: np.isclose(x[1], 1))]),
    "transport without outflow": (Transport, lambda g: [start(g), value(g, side(0, 0))]),
    "degenerate": (Degenerate, lambda g: [start(g), value(g, side(0, 1))]),
    "disk": (Round, lambda g: [value(g, everywhere)]),
    "no conditions": (Stated, lambda g: []),
}


@pytest.mark.parametrize("case", COMPLETE)
def test_a_complete_statement_says_nothing(case, caplog):
    kind, made = COMPLETE[case]
    assert not said(type("Complete", (kind,), {"made": staticmethod(made)})(), caplog)


@pytest.mark.parametrize("equation", [each for each in EQUATIONS if each is not Level])
def test_toys_say_nothing(equation, caplog):
    assert not said(equation(), caplog)


def test_a_condition_of_an_unknown_kind_counts_where_it_holds(caplog):
    assert "level has no condition at the initial time t = 0 (the" in said(Level(), caplog)
    assert "x = " not in caplog.text


LACKING = {
    "right": (Stated, lambda g: [value(g, side(0, 0)), slope(g, side(1, 0, 2))], f"at x = 1 ({SECOND} x): "),
    "corner": (Stated, lambda g: [value(g, side(0, 0, 1))], f"at y = 0 ({SECOND} y); at y = 2 ({SECOND} y): "),
    "one point": (Stated, lambda g: [value(g, side(0, 0, 1)), slope(g, side(1, 0)), data(1)], "at y = 2"),
    "end": (Rod, lambda g: [value(g, side(0, 0))], f"at x = 1 ({SECOND} x): "),
    "start": (Heat, lambda g: [value(g, everywhere)], "at the initial time t = 0 (the residual has a derivative by t)"),
    "start of transport": (Transport, lambda g: [value(g, side(0, 0))], "at the initial time t = 0"),
    "start of waves": (Waves, lambda g: [value(g, everywhere)], "at the initial time t = 0 (the residual has a deriv"),
    "sides": (Heat, lambda g: [start(g)], f"at x = 0 ({SECOND} x); at x = 1"),
    "degenerate": (Degenerate, lambda g: [start(g), value(g, side(0, 0))], f"at x = 1 ({SECOND} x): "),
    "half a disk": (Round, lambda g: [value(g, lambda x, on: on and x[0] > 0)], "of 200 points of the boundary, such"),
}


@pytest.mark.parametrize("case", LACKING)
def test_what_has_no_condition_is_named(case, caplog):
    kind, made, message = LACKING[case]
    text = said(type("Lacking", (kind,), {"made": staticmethod(made)})(), caplog)
    assert message in text
    assert "lacking has no condition at " in text
    assert len(caplog.records) == 1


def left_alone(geometry):
    return [start(geometry)]


def test_features_that_satisfy_a_condition_say_nothing(caplog):
    class Periodic(Heat):
        made = staticmethod(left_alone)

        def features(self, x, c):
            return torch.cat([pp.periodic(x[:, :1], 1.0), x[:, 1:]], dim=1)

    class Even(Heat):
        made = staticmethod(left_alone)

        def features(self, x, c):
            return torch.cat([torch.cos(torch.pi * x[:, :1]), x[:, 1:]], dim=1)

    class Scaled(Heat):
        made = staticmethod(left_alone)

        def features(self, x, c):
            return 2 * x - 1

    assert not said(Periodic(), caplog)
    assert not said(Even(), caplog)
    assert "at x = 0" in said(Scaled(), caplog)


def test_a_transform_says_nothing(caplog):
    class Exact(Heat):
        made = staticmethod(left_alone)

        def transform(self, x, y, c):
            return x[:, :1] * (1 - x[:, :1]) * y

    assert not said(Exact(), caplog)
    network = dde.nn.FNN([2, 6, 1], "tanh", "Glorot normal").double()
    network.apply_output_transform(lambda x, y: x[:, :1] * (1 - x[:, :1]) * y)
    lacking = type("Lacking", (Heat,), {"made": staticmethod(left_alone)})()
    assert not said(lacking, caplog, network)


def test_a_plan_says_so(caplog):
    class Endless(SoftDecay):
        def conditions(self, geometry, c):
            return [dde.icbc.OperatorBC(geometry, lambda t, u, _: u - 1, lambda t, on: 0.4 < t[0] < 0.6)]

    with caplog.at_level(logging.WARNING, logger="pacpinn"):
        plan_family(Endless(), None, None, None, 2, pp.Settings())
    assert "endless has no condition at the initial time t = 0" in caplog.text
