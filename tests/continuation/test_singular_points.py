"""Folds, resonances and jumps on a path of solutions, against known ones."""

import math

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.cli import formats, tables
from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.settings import Settings, StepContext
from pacpinn.continuation.singular_points import find_crossed
from pacpinn.continuation.solution import Singularity, SolutionOnBase
from pacpinn.solvers.adam import Adam
from tests.toys import Rotation, Waves


class Beam(pp.Equation):
    """On [0, 1], u = 0 at both ends."""

    inputs, outputs = ("x",), ("u",)
    points = pp.Points(domain=32)
    hidden = (12, 12)
    tolerance = 1e-4

    def geometry(self, c):
        return dde.geometry.Interval(0, 1)

    def transform(self, x, u, c):
        return x * (1 - x) * u


class Bratu(Beam):
    """-u'' = lam exp(u), which has no solution beyond lam = 3.513830719 and two before it."""

    lam = pp.Coefficient(3.3, low=0.1, high=4.0)
    fold = 3.513830719

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x) + c.lam * torch.exp(u)


class Swing(Beam):
    """-u'' - k^2 u = 1: resonances at odd multiples of pi, and at even ones none that is felt."""

    k = pp.Coefficient(2.0, low=0.5, high=8.0)

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x) + c.k**2 * u + 1

    def reference(self, x, c):
        return (np.cos(c.k * (x - 0.5)) / np.cos(c.k / 2) - 1) / c.k**2


class Cubic(pp.Equation):
    """u^3 - 3 u = a + x / 10: three branches between folds at -2 and 2."""

    a = pp.Coefficient(4.0, low=-5.0, high=5.0)
    inputs, outputs = ("x",), ("u",)
    points = pp.Points(domain=24)
    hidden = (8, 8)
    tolerance = 1e-3

    def geometry(self, c):
        return dde.geometry.Interval(0, 1)

    def residual(self, x, u, c):
        return u**3 - 3 * u - c.a - x / 10

    def transform(self, x, u, c):
        return 0.2 * u + c.a / 2  # which is near the only branch there is at either end


X = np.linspace(0, 1, 9)[:, None]

# Folds ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bratu():
    return pp.solve_family(Bratu(), targets=pp.grid(lam=[3.45, 3.6]), keep=0.5, bases=1)


def test_a_target_beyond_a_fold_is_not_solved_and_the_fold_is_named(bratu):
    assert bratu[{"lam": 3.45}].singular is None
    beyond = bratu[{"lam": 3.6}]
    assert beyond.status != "converged"
    assert beyond.singular.kind is Singularity.FOLD
    assert abs(beyond.singular.near.lam - Bratu.fold) < 5e-3
    assert beyond.reached.lam < beyond.singular.near.lam


def test_the_fold_is_in_table_json_and_the_lines_below_the_table(bratu):
    near = bratu[{"lam": 3.6}].singular.near
    assert bratu.table()[-1]["singular"] == f"fold near {near}"
    assert formats.family_as_dict(bratu)["targets"][-1]["singular"] == {"kind": "fold", "near": dict(near)}
    assert next(tables.shortfalls(bratu)).endswith(f"; a fold near lam {near.lam:g}")


def test_the_fold_is_in_the_family_file(bratu, tmp_path):
    again = pp.load(bratu.save(tmp_path / "bratu.pac"), Bratu())
    assert [each.singular for each in again.values()] == [each.singular for each in bratu.values()]


def test_a_target_that_fails_for_another_reason_has_no_singular_point():
    family = pp.solve_family(Swing(), targets=pp.grid(k=[2.6]), keep=0.9, tolerance=1e-9, effort=0, bases=1, halvings=0)
    assert family.targets[0].status != "converged"
    assert family.targets[0].singular is None


# Resonances -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [[4.0], [2.4, 2.8, 3.0, 3.3, 3.6]])
@pytest.mark.parametrize("batch", [None, 2])
def test_a_resonance_on_the_way_is_named_once_and_both_sides_are_solved(targets, batch, caplog):
    family = pp.solve_family(Swing(), targets=pp.grid(k=targets), keep=0.5, batch=batch)
    assert all(each.status == "converged" and each.score.value < 1e-3 for each in family.values())
    over_it = [each for each in family.targets if each.singular is not None]
    assert over_it
    for each in over_it:
        assert each.singular.kind is Singularity.RESONANCE
        assert abs(each.singular.near.k - math.pi) < 1e-3
        assert each.parent.k < math.pi < each.coefficients.k
        assert f"the path from {each.parent} crosses a resonance near k=3.14" in caplog.text
    if batch is None:
        assert len(over_it) == 1


def test_the_resonance_is_said_below_the_table():
    family = pp.solve_family(Swing(), targets=pp.grid(k=[4.0]), keep=0.5)
    (line,) = tables.shortfalls(family)
    assert line.startswith("k 4: converged; the path from k 2 passes a resonance near k 3.14")


# Jumps ----------------------------------------------------------------------------------------------------------------


def test_a_jump_to_another_branch_is_named():
    below = pp.solve_family(Cubic(), source={"a": -4.0}, targets=pp.grid(a=[-3.0, -2.0, -1.0]), keep=0.5)
    above = pp.solve_family(Cubic(), source={"a": 4.0}, targets=pp.grid(a=[3.0, 2.0, 1.0]), keep=0.5)
    before, start = (SolutionOnBase(each, below.bases[0]) for each in (below.source, below.targets[-1]))
    end = SolutionOnBase(above.targets[-1], above.bases[0])
    assert below.predict(X, a=-1.0).max() < -1.8 < 1.8 < above.predict(X, a=1.0).min()
    context = StepContext(Cubic(), below.bases, Settings(keep=0.5))
    found = find_crossed(context, PathSegment(start, end.coefficients, before), end)
    assert found.kind is Singularity.JUMP
    assert -1.0 <= found.near.a <= 2.1


# Smooth ways ----------------------------------------------------------------------------------------------------------


class FastRotation(Rotation):
    """To nine times the speed of the source."""

    w = pp.Coefficient(1.0, low=0.5, high=9.0, doc="angular speed")
    points = pp.Points(domain=48)
    hidden = (16, 16)


def test_solutions_that_turn_round_on_the_way_are_smooth():
    family = pp.solve_family(FastRotation(), targets=pp.grid(w=[4.0, 9.0]), keep=0.5)
    assert [each.status for each in family.values()] == 3 * ["converged"]
    assert [each.singular for each in family.values()] == 3 * [None]


class Stretched(Beam):
    """-u'' = 1 on [0, length], whose domain is another one for every member."""

    length = pp.Coefficient(1.0, low=0.5, high=2.0)

    def geometry(self, c):
        return dde.geometry.Interval(0, c.length)

    def transform(self, x, u, c):
        return x * (c.length - x) * u

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x) + 1


@pytest.mark.parametrize("length", [0.6, 1.8])
def test_a_domain_that_changes_is_no_obstacle(length):
    family = pp.solve_family(Stretched(), targets=pp.grid(length=[length]), keep=0.5)
    assert [(each.status, each.singular) for each in family.values()] == 2 * [("converged", None)]


class Steps(Swing):
    """A coefficient of whole numbers, between which there is no path."""

    k = pp.Count(2.0, low=1.0, high=8.0)


def test_whole_numbers_have_no_path():
    family = pp.solve_family(Steps(), targets=pp.grid(k=[4.0]), keep=0.5)
    assert [(each.status, each.singular) for each in family.values()] == 2 * [("converged", None)]


def test_equations_with_integrals_have_no_slopes():
    family = pp.solve_family("volterra", targets=pp.grid(strength=[0.25]))
    assert [(each.status, each.singular) for each in family.values()] == 2 * [("converged", None)]


def test_what_is_no_equation_has_none():
    adam = Adam(steps=20)
    assert all(each.singular is None for each in pp.solve_family(Waves(), keep=0.5, solver=adam).values())
