"""The ratio of error to residual, by leaving members out."""

from dataclasses import replace

import numpy as np
import pytest

from pacpinn.reduced_basis.error_indicator import error_ratio, leave_one_out
from pacpinn.reduced_basis.snapshots import Snapshots


@pytest.fixture(scope="module")
def snapshots(solved_decay):
    points = Snapshots.over(solved_decay.problem, list(solved_decay), solved_decay.settings)
    return points.extended(solved_decay.values(), solved_decay.bases)


def test_a_member_left_out_is_approximated_by_the_others(snapshots):
    error, residual = leave_one_out(snapshots, 1)
    assert 1e-6 < error < 2e-2
    assert 1e-6 < residual < 5e-2


def test_the_ratio_is_the_geometric_mean_over_the_members(snapshots):
    ratios = [error / residual for error, residual in (leave_one_out(snapshots, k) for k in range(3))]
    assert error_ratio(snapshots) == pytest.approx(np.prod(ratios) ** (1 / 3))


def test_a_member_that_others_reproduce_says_nothing(snapshots):
    twice = replace(snapshots, members=[snapshots.members[0]] * 2)
    assert leave_one_out(twice, 0)[0] == 0
    assert error_ratio(twice) == 1
