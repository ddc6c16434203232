from __future__ import annotations

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.problems.black_scholes import bachelier
from pacpinn.tasks.registry import get_problem

BLACK_SCHOLES = get_problem("black_scholes")


def price(share: np.ndarray, time: float, c: pp.Coefficients) -> np.ndarray:
    return BLACK_SCHOLES.reference(np.stack([share, np.full_like(share, time)], axis=1), c)[:, 0]


@pytest.mark.parametrize(("volatility", "rate"), [(0.1, 0.0), (0.4, 0.05), (0.6, 0.2)])
def test_the_price_is_the_discounted_mean_payoff(volatility, rate):
    """Of a share whose logarithm is normally distributed, by Gauss's rule on either side of the kink."""
    share, time = np.linspace(0.2, 2.0, 10), 0.7
    width = volatility * time**0.5
    nodes, weights = np.polynomial.legendre.leggauss(200)
    kink = -(np.log(share) + (rate - volatility**2 / 2) * time) / width
    low = np.clip(kink, -12, 12)[:, None]
    z = low + (12 - low) * (1 + nodes) / 2
    final = share[:, None] * np.exp((rate - volatility**2 / 2) * time + width * z)
    mean = (12 - low[:, 0]) / 2 * (((final - 1) * np.exp(-(z**2) / 2)) @ weights) / np.sqrt(2 * np.pi)
    c = BLACK_SCHOLES.at({"volatility": volatility, "rate": rate})
    np.testing.assert_allclose(price(share, time, c), np.exp(-rate * time) * mean, atol=1e-12)


def test_a_put_is_a_call_seen_from_the_other_side():
    """Without interest, put-call parity and symmetry: V(S) = S - 1 + S V(1 / S)."""
    share, c = np.linspace(0.1, 2.0, 20), BLACK_SCHOLES.at({"rate": 0.0})
    np.testing.assert_allclose(price(share, 0.8, c), share - 1 + share * price(1 / share, 0.8, c), atol=1e-14)


def test_the_price_lies_between_its_bounds_and_rises_with_volatility():
    share, before = np.linspace(0.0, 2.0, 41), None
    for volatility in (0.05, 0.2, 0.6):
        now = price(share, 1.0, BLACK_SCHOLES.at({"volatility": volatility}))
        assert (now >= np.maximum(share - np.exp(-0.05), 0) - 1e-15).all()
        assert (now <= share).all()
        assert before is None or (now >= before - 1e-15).all()
        before = now


def test_bachelier_has_the_same_payoff_and_nearly_the_same_price_at_the_strike():
    share = torch.linspace(0, 2, 41, dtype=torch.float64)[:, None]
    c = BLACK_SCHOLES.at({"volatility": 0.05, "rate": 0.0})
    payoff = bachelier(share, torch.zeros_like(share), c)
    torch.testing.assert_close(payoff, (share - 1).clamp(min=0), rtol=0, atol=1e-9)
    one = torch.ones(1, 1, dtype=torch.float64)
    assert bachelier(one, one, c).item() == pytest.approx(price(np.ones(1), 1.0, c)[0], rel=1e-3)
