from __future__ import annotations

import numpy as np
import pytest

from pacpinn.tasks.registry import get_problem

KDV = get_problem("korteweg_de_vries")


def profile(speed: float, time: float) -> tuple[np.ndarray, np.ndarray]:
    place = np.linspace(-60, 60, 4001)
    x = np.stack([place, np.full_like(place, time)], axis=1)
    return place, KDV.reference(x, KDV.at({"speed": speed}))[:, 0]


@pytest.mark.parametrize("speed", [0.25, 1.0])
def test_mass_momentum_and_energy_are_conserved(speed):
    """∫ u, ∫ u² and ∫ u_x² / 2 - u³ of a soliton: 2 √c, 2/3 c^1.5 and -1/5 c^2.5."""
    for time in (0.0, 1.7, 4.0):
        place, u = profile(speed, time)
        step = place[1] - place[0]
        energy = np.gradient(u, step) ** 2 / 2 - u**3
        totals = [each.sum() * step for each in (u, u**2, energy)]
        assert totals == pytest.approx([2 * speed**0.5, 2 / 3 * speed**1.5, -1 / 5 * speed**2.5], rel=1e-3)


def test_the_crest_moves_at_the_speed_and_is_half_as_high():
    for time in (0.0, 2.0, 4.0):
        place, u = profile(0.75, time)
        assert place[u.argmax()] == pytest.approx(0.75 * time - 2, abs=0.03)
        assert u.max() == pytest.approx(0.375, rel=1e-3)


def test_it_keeps_its_shape():
    """Steady in its own frame, it obeys -c u + 3 u² + u'' = 0."""
    place, u = profile(1.0, 3.0)
    step = place[1] - place[0]
    curvature = (u[2:] - 2 * u[1:-1] + u[:-2]) / step**2
    np.testing.assert_allclose(curvature, u[1:-1] - 3 * u[1:-1] ** 2, atol=1e-3)
