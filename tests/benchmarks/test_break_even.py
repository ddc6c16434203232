"""Where the curves of cumulated seconds cross."""

import numpy as np
import pytest

import break_even


def rows(*measured: tuple[int, float]) -> list[dict[str, float]]:
    return [{"targets": count, "seconds": seconds} for count, seconds in measured]


def test_seconds_are_means_over_seeds_and_straight_between_what_is_measured():
    seconds = break_even.cumulated(rows((1, 10.0), (1, 12.0), (3, 15.0)), np.array([1, 2, 3]))
    np.testing.assert_allclose(seconds, [11, 13, 15])


@pytest.mark.parametrize(
    ("theirs", "when"),
    [([1, 2, 3, 4], "never"), ([9, 9, 9, 9], "from 1"), ([1, 6, 9, 12], "from 2"), ([9, 5.5, 4, 4], "from 1 to 2")],
)
def test_the_numbers_of_targets_for_which_one_way_is_cheaper(theirs, when):
    assert break_even.cheaper(np.array([4.0, 5, 6, 7]), np.array(theirs)) == when


def test_targets_end_at_the_same_viscosity_however_many_there_are():
    for count in break_even.COUNTS:
        targets = break_even.targets_of(count)
        assert len(targets) == count
        assert targets[-1]["nu"] == pytest.approx(0.01)
