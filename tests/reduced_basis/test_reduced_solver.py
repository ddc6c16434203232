"""Coordinates at which the equation holds."""

from functools import partial

import pytest
import torch

import pacpinn as pp
from pacpinn.reduced_basis.gauss_newton import gauss_newton
from pacpinn.reduced_basis.reduced_model import ReducedModel
from pacpinn.reduced_basis.reduced_solver import batches
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
