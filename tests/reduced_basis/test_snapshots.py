"""Snapshots: members tabulated at fixed points."""

from dataclasses import replace

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.sensitivity import Calibrated, Tangent
from pacpinn.errors import PacpinnError
from pacpinn.reduced_basis.snapshots import Snapshots, spanning
from tests.toys import Decay, Rotation


class Crowded(Decay):
    """Points crowd towards the start, the more the larger k."""

    points = pp.Points(domain=1000)

    def place(self, t, c):
        return t**c.k


class Growing(Decay):
    """A domain that grows with k."""

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, c.k)


def rates(*ks):
    return [pp.Coefficients(k=k) for k in ks]


def test_points_of_all_places_are_pooled():
    found = Snapshots.over(Crowded(), rates(1, 3), pp.Settings()).training
    assert len(found.x) == 1000
    assert found.points.mean() == pytest.approx((1 / 2 + 1 / 4) / 2, abs=0.02)
    assert np.array_equal(found.points, found.x.numpy())


def test_a_check_has_points_of_its_own_and_not_too_many():
    snapshots = Snapshots.over(Crowded(), rates(1, 3), pp.Settings())
    assert len(snapshots.check.x) == 512
    assert not np.isin(snapshots.check.points, snapshots.training.points).any()


def test_members_are_tabulated_as_they_answer(solved_decay):
    points = Snapshots.over(solved_decay.problem, list(solved_decay), solved_decay.settings)
    snapshots = points.extended(solved_decay.values(), solved_decay.bases)
    assert not points.members
    member = snapshots.members[1]
    sizes = solved_decay.problem.sizes_at(member.coefficients)
    found = 1 + snapshots.training.x * sizes.sized_outputs(member.training.values[..., 0])  # the transform of Decay
    assert np.allclose(found, solved_decay.predict(snapshots.training.points, k=1.3))
    assert torch.equal(member.training.values[..., 0], member.functions[0](snapshots.training.x))


def test_a_tangent_brings_a_function_along_the_derivative_by_its_coefficient(solved_decay):
    points = Snapshots.over(solved_decay.problem, list(solved_decay), solved_decay.settings, ["k"])
    snapshots = points.extended(solved_decay.values(), solved_decay.bases)
    t = snapshots.training.points

    def exact(k):
        """What the network of Decay must give, 1 + t y = e^(-k t)."""
        zero, one = solved_decay.problem.sizes_at(pp.Coefficients(k=k)).sized_outputs(torch.tensor([[0.0], [1.0]]))
        return ((np.exp(-k * t) - 1) / t - float(zero)) / float(one - zero)

    assert snapshots.training_table.values.shape[-1] == 2 * len(solved_decay)
    for each in snapshots.members:
        k, (own, moved) = each.coefficients.k, each.training.values[:, 0].numpy().T
        change, derivative = moved - own, (exact(k + 1e-4) - exact(k - 1e-4))[:, 0]
        assert np.dot(change, derivative) > 0.999 * np.linalg.norm(change) * np.linalg.norm(derivative)


def test_where_there_is_no_tangent_a_member_is_not_moved(solved_decay, monkeypatch):
    nowhere = Tangent(torch.full((49, 1), torch.nan, dtype=torch.float64), torch.nan)
    monkeypatch.setattr(Calibrated, "tangent", lambda self, names: nowhere)
    points = Snapshots.over(solved_decay.problem, list(solved_decay), solved_decay.settings, ["k"])
    snapshots = points.extended(solved_decay.values(), solved_decay.bases)
    for each in snapshots.members:
        assert torch.equal(each.check.values[..., 0], each.check.values[..., 1])


def test_the_members_own_functions_are_found_among_all(solved_decay):
    points = Snapshots.over(solved_decay.problem, list(solved_decay), solved_decay.settings, ["k"])
    snapshots = points.extended(solved_decay.values(), solved_decay.bases)
    alone = Snapshots.over(solved_decay.problem, list(solved_decay), solved_decay.settings).extended(
        solved_decay.values(), solved_decay.bases
    )
    assert torch.equal(snapshots.check_table.values[..., snapshots.own], alone.check_table.values)


def test_members_that_are_solved_or_nearly_span(solved_decay):
    member, tolerance = solved_decay.targets[0], Decay.tolerance
    nearly = replace(member, error_estimate=1.9 * tolerance)
    missed = replace(member, error_estimate=2.1 * tolerance)
    doubtful = replace(member, error_bound=100 * tolerance)
    assert spanning([member, nearly, missed, doubtful]) == [member, nearly]


def test_a_member_knows_its_error(solved_decay):
    points = Snapshots.over(solved_decay.problem, list(solved_decay), solved_decay.settings)
    snapshots = points.extended(solved_decay.values(), solved_decay.bases)
    assert [each.error for each in snapshots.members] == [each.error_estimate for each in solved_decay.values()]


def test_errors_are_relative_to_the_variation_of_each_output():
    family = pp.solve_family(Rotation(), targets=[{"w": 1.2}], keep=0.5)
    points = Snapshots.over(family.problem, list(family), family.settings)
    snapshots = points.extended(family.values(), family.bases)
    t = snapshots.check.points[sum(snapshots.check.counts) :]
    expected = [np.sin(t).std(), np.cos(t).std()]
    found = snapshots.yardstick(pp.Coefficients(w=1.0), torch.tensor([1.0, 0.0], dtype=torch.float64))
    assert found.tolist() == pytest.approx(expected, rel=1e-2)


def test_answers_are_solved_and_checked_on_many_points_even_if_members_are_solved_on_few():
    """Many modes, and the error indicator's unknowns, would fit the residual at few points by themselves."""
    found = Snapshots.over(Decay(), rates(1, 3), pp.Settings())
    assert len(found.training.x) == 256
    assert len(found.check.x) == 512
    assert not np.isin(found.check.points, found.training.points).any()


def test_a_domain_that_changes_is_refused():
    with pytest.raises(PacpinnError, match=r"domain of growing.*changes with its coefficients.*fixed domain"):
        Snapshots.over(Growing(), rates(1, 2), pp.Settings())
