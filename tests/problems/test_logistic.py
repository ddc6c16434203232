from __future__ import annotations

import numpy as np
import pytest

from pacpinn.tasks.registry import get_problem

LOGISTIC = get_problem("logistic")


def test_population_starts_small_and_fills_its_place():
    c = LOGISTIC.at({"rate": 4.0, "capacity": 2.0})
    start, end = LOGISTIC.reference(np.array([[0.0], [6.0]]), c)[:, 0]
    assert start == pytest.approx(0.1)
    assert end == pytest.approx(2, abs=1e-8)


@pytest.mark.parametrize("rate", [0.5, 4.0])
def test_odds_grow_exponentially(rate):
    t = np.linspace(0, 3, 31)[:, None]
    u = LOGISTIC.reference(t, LOGISTIC.at({"rate": rate}))
    np.testing.assert_allclose(np.log(u / (1 - u)), np.log(1 / 9) + rate * t, atol=1e-9)
