"""Coordinates at which the equation holds, and interpolation over the coefficients."""

from functools import partial

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.reduced_basis.gauss_newton import gauss_newton
from pacpinn.reduced_basis.reduced_model import ReducedModel
from pacpinn.reduced_basis.reduced_solver import RBFInterpolation, batches
from tests.reduced_basis.test_greedy import Spring
from tests.toys import Decay


def test_over_a_refined_range_selected_rows_answer_as_all_do():
    class Fine(Decay):
        points = pp.Points(domain=400)

    family = pp.solve_family(Fine(), within={"k": (1, 2)}, tolerance=1e-3, keep=0.5)
    cs = [pp.Coefficients(k=k) for k in (1.07, 1.33, 1.61, 1.98)]
    snapshots = family.reduced_model.snapshots
    checked, unchecked = family.reduced_model.solver, ReducedModel(snapshots).solver
    full = gauss_newton(partial(checked.all_rows.linearise, cs), checked.between_members(cs)).unknowns
    assert (checked.coordinates(cs) - full).norm(dim=1).max() < 1e-6
    assert (unchecked.coordinates(cs) - full).norm(dim=1).max() > 1e-5  # what selected rows alone miss


def test_beyond_a_refined_range_answers_are_the_same_as_without_one(solved_decay):
    model = solved_decay.reduced_model
    outside = [pp.Coefficients(k=1.5)]
    known = ReducedModel(model.snapshots, {"k": (1.1, 1.4)})
    assert torch.allclose(known.solver.coordinates(outside), model.solver.coordinates(outside), rtol=1e-9)


def test_starts_at_the_members_are_their_own_coordinates(solved_decay):
    model = solved_decay.reduced_model
    assert torch.allclose(model.solver.start(list(solved_decay)), model.basis.coordinates, atol=1e-9)


@pytest.mark.parametrize(("numbers", "sizes"), [(0, [7]), (2**16, [4, 3]), (2**20, [1] * 7)])
def test_batches_fit_the_caches_and_hold_one_problem_at_least(numbers, sizes):
    assert [len(range(7)[batch]) for batch in batches(7, numbers)] == sizes


EQUATION, SOURCE = Spring(), Spring().source
ONE, TWO = {"k": (1.0, 4.0)}, {"k": (1.0, 4.0), "force": (0.2, 0.8)}


def values(cs):
    return torch.tensor([[np.exp(-c.k), c.k * c.force] for c in cs], dtype=torch.float64)


@pytest.mark.parametrize(
    ("within", "count", "accuracy"), [(ONE, 2, 0.3), (ONE, 4, 2e-2), (ONE, 32, 1e-5), (TWO, 8, 1e-3)]
)
def test_a_smooth_function_is_met_the_better_the_more_is_known(within, count, accuracy):
    box = EQUATION.space.box(within)
    cs = box.at(box.grid(count), SOURCE)
    found = RBFInterpolation(box, cs, values(cs))
    assert torch.allclose(found(cs), values(cs), atol=1e-9)
    others = box.at(np.random.default_rng(0).uniform(size=(50, len(within))), SOURCE)
    assert (found(others) - values(others)).abs().max() < accuracy


def test_along_a_line_in_a_plane():
    box = EQUATION.space.box(TWO)
    cs = box.at(np.linspace([0, 0], [1, 1], 6), SOURCE)
    found = RBFInterpolation(box, cs, values(cs))
    assert torch.allclose(found(cs), values(cs), atol=1e-9)
    assert pp.Coefficients(k=2.0, force=0.5) not in cs
    assert found([pp.Coefficients(k=2.0, force=0.5)]).isfinite().all()
