from __future__ import annotations

import numpy as np
import pytest

from pacpinn.tasks.registry import get_problem

SCHRODINGER = get_problem("schrodinger")
X = np.linspace(-5, 5, 256, endpoint=False)


def field(g: float, time: float) -> np.ndarray:
    u, v = SCHRODINGER.reference(np.stack([X, np.full_like(X, time)], axis=1), SCHRODINGER.at({"g": g})).T
    return u + 1j * v


@pytest.mark.parametrize("g", [0.05, 0.5, 1.0])
def test_particles_are_conserved(g):
    before, after = (np.sum(np.abs(field(g, time)) ** 2) * 10 / 256 for time in (0.0, 1.5))
    assert before == pytest.approx(8, rel=2e-3)  # 4 sech² over the whole line
    assert after == pytest.approx(before, rel=1e-9)


def test_a_soliton_stands_still():
    start = field(0.25, 0.0)
    for time in (0.5, 1.5):
        h = field(0.25, time)
        np.testing.assert_allclose(np.abs(h), np.abs(start), atol=1e-8)  # periodic or not, at g = 1/4 exactly
        assert np.angle(h[128]) == pytest.approx(time / 2, abs=1e-2)


def test_the_breather():
    # Satsuma and Yajima: 4 e^(it/2) (cosh(3x) + 3 e^(4it) cosh(x)) / (cosh(4x) + 4 cosh(2x) + 3 cos(4t)) on the line
    for time in (0.3, np.pi / 4, 1.4):
        turn = np.exp(1j * time / 2)
        upper = np.cosh(3 * X) + 3 * np.exp(4j * time) * np.cosh(X)
        exact = 4 * turn * upper / (np.cosh(4 * X) + 4 * np.cosh(2 * X) + 3 * np.cos(4 * time))
        near = np.abs(X) < 2
        np.testing.assert_allclose(field(1.0, time)[near], exact[near], atol=0.1)
    assert np.abs(field(1.0, np.pi / 4)).max() == pytest.approx(4, rel=1e-3)


def test_weak_nonlinearity_disperses():
    peaks = [np.abs(field(0.05, time)).max() for time in (0.0, 0.5, 1.0, 1.5)]
    assert np.all(np.diff(peaks) < 0)
