from __future__ import annotations

import numpy as np
import pytest

from pacpinn.tasks.registry import get_problem

POISSON = get_problem("poisson")
ANGLES = np.linspace(0, 2 * np.pi, 64, endpoint=False)


def circle(radius: float) -> np.ndarray:
    return radius * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def outflow(radius: float, beta: float, q: float) -> np.ndarray:
    """-k du/dr at the angles, by central differences of fourth order."""
    c, step = POISSON.at({"beta": beta, "q": q}), 1e-3
    u = {i: POISSON.reference(circle(radius + i * step), c)[:, 0] for i in (-2, -1, 0, 1, 2)}
    slope = (8 * (u[1] - u[-1]) - (u[2] - u[-2])) / (12 * step)
    return -(1 + (beta * u[0]) ** 2) * slope


@pytest.mark.parametrize("beta", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("q", [-4.0, 0.0, 2.0])
def test_what_is_heated_flows_out(beta, q):
    inner, outer = (2 * np.pi * radius * outflow(radius, beta, q).mean() for radius in (0.4, 0.9))
    assert outer - inner == pytest.approx(q * np.pi * (0.9**2 - 0.4**2), abs=1e-6)


@pytest.mark.parametrize("beta", [0.1, 1.0, 4.0])
def test_conditions_hold(beta):
    np.testing.assert_allclose(POISSON.reference(circle(0.25), POISSON.at({"beta": beta})), 0, atol=1e-12)
    np.testing.assert_allclose(outflow(1.0, beta, 2.0), -2 * np.cos(ANGLES), atol=1e-5)


def test_constant_conductivity_is_the_limit():
    x = np.concatenate([circle(radius) for radius in (0.3, 0.6, 1.0)])
    u = POISSON.reference(x, POISSON.at({"beta": 0.1, "q": 0.0}))[:, 0]
    linear = 2 / (1 + 0.25**2) * x[:, 0] * (1 - 0.25**2 / np.sum(x**2, axis=1))
    np.testing.assert_allclose(u, linear, atol=0.02)
    assert np.all(np.abs(u) <= np.abs(linear) + 1e-12)  # what conducts better is less hot
