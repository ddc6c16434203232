"""Sizes at which terms balance, against hand values."""

import numpy as np
import pytest

from pacpinn.equations.size_balance import balance, root_mean_square

UNKNOWN = np.nan


def found(response, drive, known, offset, stated=None):
    stated = np.zeros(len(known), dtype=bool) if stated is None else np.array(stated)
    return balance(*(np.array(each, dtype=float) for each in (response, drive, known, offset)), stated).tolist()


def test_known_sizes_stay():
    assert found([[2.0, 1.0]], [0], [3, 5], [0, 0]) == [3, 5]


def test_a_drive_is_met():
    """2 u = 10."""
    assert found([[2.0]], [10], [UNKNOWN], [0]) == [5]


def test_the_block_that_allows_least_decides():
    """2 u = 10 and 4 u = 12: at u = 5 nothing would balance the second; then the first block has a drive left."""
    assert found([[2.0], [4.0]], [10, 12], [UNKNOWN], [0]) == [5]
    assert found([[2.0, 1.0], [4.0, 0.0]], [10, 12], [UNKNOWN, 10], [0, 0]) == [3, 10]


def test_an_unknown_output_balances_another_and_a_chain_is_followed():
    """q = 40 T' with T known, then p = 3 q."""
    assert found([[40, 1, 0], [0, 3, 1]], [0, 0], [350, UNKNOWN, UNKNOWN], [0, 0, 0]) == [350, 14000, 42000]


def test_an_output_that_nothing_drives():
    assert found([[1.0]], [0], [UNKNOWN], [0]) == [1]
    assert found([[1.0]], [0], [UNKNOWN], [-300]) == pytest.approx([3])


def test_a_known_size_is_raised_where_the_equation_drives_more():
    """Prescribed values that vary by 0.1 while a source of 10 moves the solution."""
    assert found([[2.0]], [10], [0.1], [0]) == [5]


def test_a_stated_size_stays_whatever_drives():
    assert found([[2.0]], [10], [0.1], [0], [True]) == [0.1]
    assert found([[1.0]], [0], [1e-3], [1e9], [True]) == [1e-3]
    assert found([[2.0, 1.0]], [10], [0.1, 0.1], [0, 0], [True, False]) == [0.1, 10]


def test_a_drive_that_no_output_answers_changes_nothing():
    assert found([[0.0], [1.0]], [10, 2], [UNKNOWN], [0]) == [2]


def test_the_order_of_blocks_and_their_units_do_not_matter():
    draw = np.random.default_rng(0)
    response, drive = draw.uniform(size=(4, 3)), draw.uniform(size=4)
    known, offset = np.array([UNKNOWN, 0.5, UNKNOWN]), draw.uniform(size=3)
    blocks, outputs = 10.0 ** draw.uniform(-20, 20, 4), 10.0 ** draw.uniform(-20, 20, 3)
    stated = np.array([False, True, False])
    one = balance(response, drive, known, offset, stated)
    other = balance(response * blocks[:, None] / outputs, drive * blocks, known * outputs, offset * outputs, stated)
    np.testing.assert_allclose(other, one * outputs, rtol=1e-9)
    np.testing.assert_allclose(balance(response[::-1], drive[::-1], known, offset, stated), one, rtol=1e-9)


@pytest.mark.parametrize("unit", [1.0, 1e300, 1e-300])
def test_a_root_mean_square_in_any_unit(unit):
    assert root_mean_square(unit * np.array([[3.0, 0.0], [4.0, 0.0]]), axis=0) == pytest.approx([unit * 12.5**0.5, 0.0])
