from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pacpinn.tasks.registry import get_problem

REACTION = get_problem("reaction")
PLACES = np.linspace(0, 2 * np.pi, 41)


def reference(rho: float, time: float) -> np.ndarray:
    x = np.stack([PLACES, np.full_like(PLACES, time)], axis=1)
    return REACTION.reference(x, REACTION.at({"rho": rho}))[:, 0]


@pytest.mark.parametrize("rho", [0.1, 2.0, 10.0])
def test_reference_agrees_with_an_integrator(rho):
    start = np.exp(-8 * (PLACES / np.pi - 1) ** 2)
    solution = solve_ivp(lambda t, u: rho * u * (1 - u), (0, 1), start, "DOP853", rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(reference(rho, 1.0), solution.y[:, -1], atol=1e-9)


def test_odds_grow_by_one_factor_everywhere():
    inside = np.abs(PLACES - np.pi) > 0.1
    before, after = (u / (1 - u) for u in (reference(3.0, 0.2)[inside], reference(3.0, 0.7)[inside]))
    np.testing.assert_allclose(after / before, np.exp(1.5), rtol=1e-12)


def test_a_full_place_stays_full_and_both_ends_agree():
    u = reference(5.0, 0.6)
    assert u[len(u) // 2] == pytest.approx(1, abs=1e-14)
    assert u[0] == pytest.approx(u[-1], rel=1e-13)
