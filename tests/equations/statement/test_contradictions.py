"""Initial and boundary values that do not fit together are named before any work."""

from __future__ import annotations

import logging

import deepxde as dde
import numpy as np
import pytest

import pacpinn as pp
from pacpinn.equations.statement.contradictions import warn_of_contradictions


class Rod(pp.Equation):
    """Heat in a rod from 293 K, one end held at `end`, the other insulated."""

    end = pp.Coefficient(273.0, low=250, high=300)
    points = pp.Points(domain=32, boundary=16, initial=16)
    outputs = ("T",)

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Interval(0, 0.2), dde.geometry.TimeDomain(0, 60))

    def residual(self, x, u, c):
        return dde.grad.jacobian(u, x, j=1) - 1e-5 * dde.grad.hessian(u, x, i=0, j=0)

    def conditions(self, geometry, c):
        return [
            dde.icbc.DirichletBC(geometry, lambda x: c.end, lambda x, on: on and np.isclose(x[0], 0.2)),
            dde.icbc.NeumannBC(geometry, lambda x: 0, lambda x, on: on and np.isclose(x[0], 0)),
            dde.icbc.IC(geometry, lambda x: 293.0 + 0 * x[:, :1], lambda x, on: on),
        ]


def told(problem, caplog, **values):
    with caplog.at_level(logging.WARNING, logger="pacpinn"):
        warn_of_contradictions(problem, problem.at(values))
    return [record.getMessage() for record in caplog.records]


def test_a_jump_where_boundary_meets_start_is_named_with_both_values_and_the_place(caplog):
    (message,) = told(Rod(), caplog)
    assert "initial condition prescribes 293 and the boundary condition 273 at x = 0.2, t = 0" in message


def test_values_that_agree_are_not_named(caplog):
    assert told(Rod(), caplog, end=293.0) == []


def test_they_limit_how_accurate_a_solution_can_be():
    assert Rod().limits_accuracy(Rod().source)
    assert not Rod().limits_accuracy(Rod().at({"end": 293.0}))
    with_time = pp.get_problem("heat")
    assert not with_time.limits_accuracy(with_time.source)
    assert not pp.get_problem("digits").limits_accuracy(pp.get_problem("digits").source)


@pytest.mark.parametrize("name", ["burgers", "heat", "wave", "korteweg_de_vries", "allen_cahn", "black_scholes"])
def test_no_false_alarm_in_the_library(name, caplog):
    problem = pp.get_problem(name)
    soft = problem if type(problem).exact_conditions is pp.Equation.exact_conditions else pp.soft(problem)
    assert told(problem, caplog) == told(soft, caplog) == []
