"""What is wrong with an equation shows before any work."""

import deepxde as dde
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.dry_run import dry_run
from pacpinn.errors import CoefficientError, ResidualError
from tests.toys import EQUATIONS, Decay, SoftDecay


@pytest.mark.parametrize("equation", EQUATIONS)
def test_what_is_right_passes(equation):
    dry_run(equation(), equation().source)


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
        ({"weights": [1.0]}, r"has 1 weights; expected 2, for: residual, condition 1 \(IC\)"),
    ],
)
def test_the_place_is_named(parts, message):
    with pytest.raises(ResidualError, match=message):
        broken(**parts)()
