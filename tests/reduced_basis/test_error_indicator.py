"""Errors of answers between members, compared with errors that are known."""

from dataclasses import replace
from itertools import pairwise

import deepxde as dde
import numpy as np
import pytest
import torch
from scipy.spatial import KDTree

import pacpinn as pp
from pacpinn.reduced_basis.error_indicator import ErrorRatios, RicherSpace
from pacpinn.reduced_basis.reduced_model import ReducedModel
from pacpinn.reduced_basis.snapshots import Snapshots
from tests.networks.known_errors import cooling
from tests.toys import Decay, Rotation, SoftDecay

FAMILIES = {
    "exact conditions": (Decay(), "k", [1.3, 1.6]),
    "soft conditions": (SoftDecay(), "k", [1.5, 2.2]),
    "two outputs": (Rotation(), "w", [1.3, 1.6]),
    "kelvin and seconds": (cooling(offset=293.0, amplitude=40.0, duration=3600.0), "k", [1.5, 2.2]),
}


def model_of(problem, name, values, within=None):
    family = pp.solve_family(problem, targets=[{name: each} for each in values], keep=0.5, tolerance=1e-5)
    points = Snapshots.over(family.problem, list(family), family.settings)
    return ReducedModel(points.extended(family.values(), family.bases), within)


def true_error(answer, problem):
    """Relative to the variation, of the worst output."""
    x = problem.task(**answer.coefficients).grid()
    exact = problem.reference(x, answer.coefficients)
    return float((np.sqrt(np.mean((answer.predict(x) - exact) ** 2, axis=0)) / np.std(exact, axis=0)).max())


@pytest.fixture(scope="module", params=FAMILIES.values(), ids=FAMILIES)
def family(request):
    problem, name, values = request.param
    return model_of(problem, name, values), problem, name, [1.0, *values]


@pytest.fixture(scope="module")
def model():
    return model_of(Decay(), "k", [1.3, 1.6])


@pytest.fixture(scope="module")
def snapshots(model):
    return model.snapshots


def rate(k):
    return pp.Coefficients(k=k)


# Answers between members ----------------------------------------------------------------------------------------------


def test_between_members_the_error_is_found_within_a_factor_of_two(family):
    model, problem, name, values = family
    steps = [(value, after - value) for value, after in pairwise(values)]
    between = [value + share * step for value, step in steps for share in (0.2, 0.5, 0.8)]
    for answer in model.solve([pp.Coefficients(**{name: each}) for each in between]):
        error = true_error(answer, problem)
        assert error / 2 < answer.error_estimate < 2 * error
        assert answer.error_estimate <= answer.error_bound < 3 * error


def test_at_the_ends_of_the_range_the_estimate_is_as_small_as_the_error(family):
    model, problem, name, values = family
    ends = model.solve([pp.Coefficients(**{name: each}) for each in (values[0], values[-1])])
    (middle,) = model.solve([pp.Coefficients(**{name: (values[-2] + values[-1]) / 2})])
    for answer in ends:
        error = true_error(answer, problem)
        assert error / 2 < answer.error_estimate < max(8 * error, 2e-5)  # the largest ratio of the nearest samples
        assert answer.error_estimate < middle.error_estimate


def test_beyond_the_range_the_estimate_grows_with_the_error(model):
    answers = model.solve([rate(k) for k in (1.6, 1.7, 2.0, 2.5, 3.5)])
    estimates = [each.error_estimate for each in answers]
    assert estimates == sorted(estimates)
    for answer in answers[1:]:
        error = true_error(answer, Decay())
        assert error / 2 < answer.error_estimate < 2 * error


def test_in_a_range_that_reaches_beyond_the_members_too():
    within = {"k": (0.8, 2.5)}
    model = model_of(Decay(), "k", [1.3, 1.6], within)
    for answer in model.solve([rate(k) for k in (0.8, 0.9, 1.15, 2.0, 2.5)]):
        error = true_error(answer, Decay())
        assert error / 2 < answer.error_estimate < 2 * error


def test_a_member_has_the_estimate_of_its_own_solve(model):
    for k, member in enumerate(model.members):
        answer = model.member(k)
        assert answer.error_estimate == member.error
        assert answer.error_bound >= answer.error_estimate


def test_a_member_of_an_old_file_has_one_by_its_residual(model):
    bare = replace(model.snapshots, members=[replace(each, error=None) for each in model.members])
    answer = ReducedModel(bare).member(1)
    error = true_error(answer, Decay())
    assert error / 2 < answer.error_estimate < max(4 * error, 2e-5)


# The richer space -----------------------------------------------------------------------------------------------------


def test_errors_within_and_outside_the_span_are_found(model, snapshots):
    """Coordinates that are wrong by a known amount; the richer space knows modes and what the modes lack."""
    space, c = RicherSpace(snapshots, model.basis), rate(1.3)
    right = model.solver.coordinates([c])
    moved = right + 1e-2 * torch.linspace(-1, 1, right.shape[1], dtype=right.dtype)
    errors, bounds, residuals = space.errors([c, c], torch.cat([right, moved]))
    values, x = snapshots.check_table.combined(model.basis.modes).values, snapshots.check.x
    for found, bound, b in zip(errors, bounds, (right, moved), strict=True):
        u = snapshots.solution(c, values @ torch.cat([b.new_ones(1), b[0]]), x)
        exact = torch.exp(-1.3 * x)
        true = float((u - exact).square().mean().sqrt())
        assert true / 2 < found < max(2 * true, 1e-5)
        assert bound >= found
    assert residuals[1] > 10 * residuals[0]


def test_estimates_are_proportional_to_the_error_of_a_linear_equation(model, snapshots):
    space, c = RicherSpace(snapshots, model.basis), rate(1.3)
    right = model.solver.coordinates([c])
    direction = torch.ones_like(right)
    errors, _, residuals = space.errors([c, c], torch.cat([right + 0.01 * direction, right + 0.02 * direction]))
    assert errors[1, 0] / errors[0, 0] == pytest.approx(2, rel=0.05)
    assert residuals[1] / residuals[0] == pytest.approx(2, rel=0.05)


# Ratios over the coefficients -----------------------------------------------------------------------------------------


def ratios(estimates, bounds, ks=(1.0, 2.0, 3.0, 4.0)):
    class Linear(Decay):
        k = pp.Coefficient(1.0, low=0.1, high=10.0)

    box = Linear().space.box({"k": (ks[0], ks[-1])})
    tree = KDTree(box.places([rate(k) for k in ks]))
    return ErrorRatios(box, tree, np.array(estimates)[:, None], np.array(bounds)[:, None])


def test_the_largest_ratio_of_the_nearest_samples_counts():
    found = ratios([1.0, 2.0, 5.0, 3.0], [2.0, 4.0, 9.0, 3.5])
    estimates, bounds = found.at([rate(1.1), rate(2.9), rate(4.0)])
    assert estimates.tolist() == [[5.0], [5.0], [5.0]]  # of three samples on a line
    assert bounds.tolist() == [[9.0], [9.0], [9.0]]
    assert ratios([7.0, 1.0, 2.0, 3.0], [8.0] * 4).at([rate(4.0)])[0].tolist() == [[3.0]]


def test_few_samples_all_count():
    found = ratios([1.0, 2.0], [1.5, 2.5], ks=(1.0, 2.0))
    assert [each.tolist() for each in found.at([rate(1.1)])] == [[[2.0]], [[2.5]]]


def test_an_answer_that_varies_little_has_no_small_relative_error_from_its_neighbours():
    """u' = a - 1 with u(0) = 0: near a = 1 the solution, and not its error, is next to nothing."""

    class Balance(Decay):
        k = pp.Coefficient(0.0, low=0.0, high=2.0)

        def residual(self, t, u, c):
            return dde.grad.jacobian(u, t) - (c.k - 1) * torch.exp(-t)

        def transform(self, t, y, c):
            return t * y

        def exact_conditions(self, geometry, c):
            return [dde.icbc.IC(geometry, lambda _: 0, lambda _, on: on)]

        def reference(self, t, c):
            return (c.k - 1) * (1 - np.exp(-t))

    family = pp.solve_family(Balance(), targets=[{"k": 2.0}], keep=0.5)
    near, far = family.reduced_model.solve([pp.Coefficients(k=1.02), pp.Coefficients(k=0.2)])
    assert near.error_estimate > 10 * far.error_estimate
    assert near.error_estimate > true_error(near, Balance()) / 2


def test_ratios_are_measured_at_samples_of_the_range(model, snapshots):
    box, cs = model.solver.sampled
    found = ErrorRatios.measured(snapshots, model.basis, box, cs, model.solver.coordinates(cs))
    assert found.estimates.shape == found.bounds.shape == (len(cs), 1)
    assert np.isfinite(found.estimates).all()
    assert (found.estimates > 0).all()
    assert (found.bounds >= found.estimates).all()
    again = ErrorRatios.measured(snapshots, model.basis, box, cs, model.solver.coordinates(cs))
    assert np.array_equal(again.estimates, found.estimates)
