from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ellipk

from pacpinn.tasks.registry import get_problem

PENDULUM = get_problem("pendulum")
TIMES = np.linspace(0, 4, 201)[:, None]


def energy(c):
    angle, velocity = PENDULUM.reference(TIMES, c).T
    return velocity**2 / 2 - np.cos(angle), velocity


def test_friction_takes_what_energy_is_lost():
    c = PENDULUM.at({"length": 1.0, "damping": 0.5})
    height, velocity = energy(c)
    step = TIMES[1, 0]
    lost = np.cumsum(c.damping * (velocity[1:] ** 2 + velocity[:-1] ** 2) / 2 * step)
    np.testing.assert_allclose(height[0] - height[1:], lost, atol=2e-3)


def test_undamped_period_is_the_elliptic_integral():
    from pacpinn.problems.pendulum import motion

    w = (9.81 / 0.5) ** 0.5
    period = 4 / w * ellipk(np.sin(1.0) ** 2)
    np.testing.assert_allclose(motion(w, 0.0)(period), [2, 0], atol=1e-9)
    assert period / (2 * np.pi / w) == pytest.approx(1.33, abs=0.005)
