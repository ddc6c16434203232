"""Mistakes in the user's functions that show before any of them is called."""

import functools

import deepxde as dde
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.statement.user_functions import require_usable_functions
from pacpinn.errors import ResidualError
from tests.toys import EQUATIONS, Decay, SoftDecay

RATE = dde.Variable(2.0)
RATES = {"decay": RATE}
TIME = dde.geometry.TimeDomain(0, 1)


def at_start(_, on_initial):
    return on_initial


def check(problem, *conditions):
    require_usable_functions(problem, conditions)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_what_is_right_passes(equation):
    check(equation(), *equation().task().conditions())


def test_values_may_be_a_closure_and_operators_may_have_defaults():
    def starting_at(v):
        def value(t):
            return v

        return value

    conditions = [
        dde.icbc.IC(TIME, starting_at(1.5), at_start),
        dde.icbc.OperatorBC(TIME, lambda t, u, _, v=1.5: u - v, at_start),
        dde.icbc.RobinBC(TIME, lambda t, u: -u, at_start),
        dde.icbc.DirichletBC(TIME, lambda t: 1, lambda t, on, v=1: on),
    ]
    check(SoftDecay(), *conditions)


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (lambda t, v=1.5: v, r"of \(t, v=1.5\)"),
        (functools.partial(lambda t, v: v, v=1.5), r"of \(t, v=1.5\)"),
        (lambda t, auxiliary: auxiliary, r"of \(t, auxiliary\)"),
        (lambda t, a=1, b=2: a, "of three arguments or more"),
    ],
    ids=["default", "partial", "auxiliary", "three"],
)
@pytest.mark.parametrize("kind", [dde.icbc.IC, dde.icbc.DirichletBC, dde.icbc.NeumannBC])
def test_a_second_argument_is_refused(kind, function, given):
    right = dde.icbc.IC(TIME, lambda t: 1, at_start)
    message = rf"the condition 2 \({kind.__name__}\) of soft_decay has a function {given}; .*closure, such as `def"
    with pytest.raises(ResidualError, match=message):
        check(SoftDecay(), right, kind(TIME, function, at_start))


def by_global(self, t, u, c):
    return dde.grad.jacobian(u, t) + RATE * u


def by_dictionary(self, t, u, c):
    return dde.grad.jacobian(u, t) + RATES["decay"] * u


def by_helper(self, t, u, c):
    return dde.grad.jacobian(u, t) + decaying(u)


def decaying(u):
    return RATE * u


def by_attribute(self, t, u, c):
    return dde.grad.jacobian(u, t) + self.rate * u


def by_closure():
    rate = dde.Variable(2.0)
    return lambda self, t, u, c: dde.grad.jacobian(u, t) + rate * u


@pytest.mark.parametrize(
    ("residual", "name"),
    [
        (by_global, "RATE"),
        (by_dictionary, "RATES"),
        (by_helper, "RATE"),
        (by_attribute, "rate"),
        (by_closure(), "rate"),
    ],
)
def test_a_variable_in_a_residual_is_refused(residual, name):
    problem = type("Frozen", (Decay,), {"residual": residual, "rate": dde.Variable(2.0)})()
    message = rf"the residual of frozen uses {name}, .* stay at 2.0: .*pp\.Coefficient\(2\.0.*family\.infer.*test_user"
    with pytest.raises(ResidualError, match=message):
        check(problem)


def test_a_variable_in_a_condition_or_in_given_code_is_refused():
    with pytest.raises(ResidualError, match=r"condition 1 \(OperatorBC\) of soft_decay uses RATE"):
        check(SoftDecay(), dde.icbc.OperatorBC(TIME, lambda t, u, _: u - RATE, at_start))

    def make_data(c):
        rate = dde.Variable(3.0)
        return dde.data.PDE(TIME, lambda t, u: dde.grad.jacobian(u, t) + rate * u * c.k, [], 8)

    with pytest.raises(ResidualError, match="residual of make_data uses rate"):
        check(pp.from_deepxde(make_data, dde.nn.FNN([1, 4, 1], "tanh", "Glorot normal"), Decay.coefficients))


def test_tensors_and_networks_that_are_not_variables_pass():
    table, module = torch.ones(1), torch.nn.Linear(1, 1)

    class Tabulated(Decay):
        def residual(self, t, u, c):
            return dde.grad.jacobian(u, t) + table * u + 0 * module(t)

    check(Tabulated())
