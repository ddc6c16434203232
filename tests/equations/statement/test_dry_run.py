"""What is wrong with an equation shows before any work."""

import logging

import deepxde as dde
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.statement.dry_run import dry_run
from pacpinn.equations.statement.finite_start import require_finite_start
from pacpinn.errors import CoefficientError, ResidualError
from pacpinn.tasks.registry import get_problem, installed_problems
from tests.toys import EQUATIONS, Decay, SoftDecay


@pytest.mark.parametrize("equation", EQUATIONS)
def test_what_is_right_passes(equation):
    dry_run(equation(), equation().source)


LIBRARY = [name for name in installed_problems() if isinstance(get_problem(name), pp.Equation)]


@pytest.mark.parametrize("soft", [False, True], ids=["as stated", "soft"])
@pytest.mark.parametrize("name", LIBRARY)
def test_nothing_is_said_of_the_problems_of_the_library(name, soft, caplog):
    problem = get_problem(name)
    if soft:
        if type(problem).exact_conditions is pp.Equation.exact_conditions:
            pytest.skip("has no conditions that could be soft")
        problem = pp.soft(problem)
    with caplog.at_level(logging.WARNING, logger="pacpinn"):
        dry_run(problem, problem.source)
        require_finite_start(problem.task(), problem.initial_network(0))
    assert not caplog.text


def test_a_coefficient_that_is_used_nowhere():
    class Unused(Decay):
        mass = pp.Coefficient(1.0, low=0.5, high=2.0)

    with pytest.raises(CoefficientError, match=r"unused uses the coefficient 'mass' nowhere.*test_dry_run\.py, line"):
        pp.solve_family(Unused())


@pytest.mark.parametrize("part", ["scale", "place", "features", "conditions"])
def test_any_formula_may_use_a_coefficient(part):
    uses = {
        "scale": lambda self, c: c.mass,
        "place": lambda self, t, c: t * c["mass"],
        "features": lambda self, t, c: t / c.mass,
        "conditions": lambda self, geometry, c: [dde.icbc.IC(geometry, lambda t: c.mass, lambda _, on: on)],
    }
    parts = {
        "mass": pp.Coefficient(1.0, low=0.5, high=2.0),
        "points": pp.Points(domain=8, boundary=2),
        part: uses[part],
    }
    problem = type("Used", (Decay,), parts)()
    dry_run(problem, problem.source)


def broken(**parts):
    problem = type("Broken", (SoftDecay,), parts)()
    return lambda: pp.solve_family(problem)


def fails(self, t, u, c):
    return u.no_such_name


def no_points(self, geometry, c):
    return [dde.icbc.DirichletBC(geometry, lambda t: 1, lambda t, on_boundary: False)]


def component(self, geometry, c):
    return [dde.icbc.IC(geometry, lambda t: 1, lambda _, on_initial: on_initial, component=1)]


def with_default(self, geometry, c):
    return [dde.icbc.IC(geometry, lambda t, v=1: v, lambda _, on_initial: on_initial)]


def elsewhere(self, geometry, c):
    return [dde.icbc.IC(dde.geometry.TimeDomain(0, 9), lambda t: 1, lambda _, on_initial: on_initial)]


def no_number(self, geometry, c):
    return [dde.icbc.IC(geometry, lambda t: float("nan"), lambda _, on_initial: on_initial)]


def with_variable(self, t, u, c):
    return dde.grad.jacobian(u, t) + c.k * VARIABLE * u


def no_root(self, t, u, c):
    return dde.grad.jacobian(u, t) + c.k * torch.sqrt(-1 - u**2)


VARIABLE = dde.Variable(1.0)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"inputs": ("x", "t")}, r"geometry of broken has 1 coordinates, its inputs are x, t; .*toys\.py, line"),
        (
            {"residual": fails},
            r"residual of broken at k=1 \(test_dry_run\.py, line \d+\) fails: line \d+: return u\.no_such",
        ),
        ({"residual": lambda self, t, u, c: u[:, 0]}, r"has shape \(.*,\); expected .*test_dry_run\.py"),
        ({"conditions": no_points}, r"condition 1 \(DirichletBC\) of broken at k=1 has no points.*test_dry_run\.py"),
        ({"conditions": component}, r"is about component 1, but the solution has 1 \(u\); .*test_dry_run\.py"),
        ({"transform": lambda self, t, u, c: torch.cat([u, u], 1)}, r"solution of broken .* \(.*, 2\); .*test_dry_run"),
        ({"network": lambda self, seed: torch.nn.Linear(3, 1)}, r"the network of broken.* fails: .*shapes"),
        (
            {"conditions": with_default},
            r"condition 1 \(IC\) .* has a function of \(t, v=1\); .*test_dry_run\.py",
        ),
        (
            {"conditions": elsewhere},
            r"condition 1 \(IC\) .* another geometry, TimeDomain .* to \(9\); .*test_dry_run",
        ),
        ({"conditions": no_number}, r"condition 1 \(IC\) of broken prescribes nan at t = 0; .*test_dry_run\.py"),
        ({"residual": with_variable}, r"residual of broken uses VARIABLE, a dde\.Variable.*test_dry_run\.py"),
        ({"residual": no_root}, r"is not finite at 26 of 26 points .*first at t = .* has u = .*test_dry_run\.py"),
        ({"weights": [1.0]}, r"has 1 weights; expected 2, for: residual, condition 1 \(IC\)"),
    ],
)
def test_the_place_is_named(parts, message):
    with pytest.raises(ResidualError, match=message):
        broken(**parts)()
