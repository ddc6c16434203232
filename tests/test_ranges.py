"""Ranges of coefficients."""

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.ranges import at_shares, regular, shares_of, spanned
from tests.test_refinement import Spring

WITHIN = {"k": (1.1, 3.7), "force": (0.1, 0.7)}
SOURCE = Spring().source


def test_ends_are_exactly_those_of_the_range():
    low, high = at_shares(Spring(), WITHIN, np.array([[0.0, 0.0], [1.0, 1.0]]), SOURCE)
    assert dict(low) == {"k": 1.1, "force": 0.1}
    assert dict(high) == {"k": 3.7, "force": 0.7}


def test_halfway_in_each_coefficients_own_scale():
    (middle,) = at_shares(Spring(), WITHIN, np.array([[0.5, 0.5]]), SOURCE)
    expected = (1.1 * 3.7) ** 0.5 if Spring.k.scale == "log" else 2.4
    assert middle.k == pytest.approx(expected)
    assert middle.force == pytest.approx(0.4)


def test_shares_and_back():
    shares = np.random.default_rng(0).uniform(size=(20, 2))
    assert np.allclose(shares_of(Spring(), WITHIN, at_shares(Spring(), WITHIN, shares, SOURCE)), shares)


def test_coefficients_without_a_range_stay():
    (c,) = at_shares(Spring(), {"k": (1, 2)}, np.array([[0.3]]), pp.Coefficients(k=1.0, force=0.9))
    assert c.force == 0.9


def test_a_regular_grid_has_its_corners_and_the_last_range_varies_fastest():
    assert regular(2, 3)[:4].tolist() == [[0, 0], [0, 0.5], [0, 1], [0.5, 0]]
    assert regular(3, 2).shape == (8, 3)


def test_what_varies_over_members():
    members = [pp.Coefficients(a=1.0, b=2.0), pp.Coefficients(a=3.0, b=2.0), pp.Coefficients(a=2.0, b=2.0)]
    assert spanned(members) == {"a": (1, 3)}
