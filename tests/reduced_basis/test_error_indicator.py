"""The ratio of error to residual, by leaving members out."""

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.reduced_basis.error_indicator import error_to_residual_ratio, leave_one_out
from pacpinn.reduced_basis.reduced_residual import Assembly
from pacpinn.reduced_basis.snapshots import Snapshots


@pytest.fixture(scope="module")
def snapshots(solved_decay):
    found = Snapshots(solved_decay.problem, list(solved_decay), solved_decay.settings)
    found.add(solved_decay.values(), solved_decay.bases)
    return found


def test_a_member_left_out_is_approximated_by_the_others(snapshots):
    error, residual = leave_one_out(Assembly(snapshots), 1)
    assert 1e-6 < error < 2e-2
    assert 1e-6 < residual < 5e-2


def test_the_ratio_is_the_geometric_mean_over_the_members(snapshots):
    assembly = Assembly(snapshots)
    ratios = [error / residual for error, residual in (leave_one_out(assembly, k) for k in range(3))]
    assert error_to_residual_ratio(assembly) == pytest.approx(np.prod(ratios) ** (1 / 3))


def test_a_member_that_others_reproduce_says_nothing(snapshots):
    twice = Snapshots(snapshots.equation, [pp.Coefficients(k=1.0)], pp.Settings())
    twice.members = [snapshots.members[0]] * 2
    assert leave_one_out(Assembly(twice), 0)[0] == 0
    assert error_to_residual_ratio(Assembly(twice)) == 1
