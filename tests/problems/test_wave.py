from __future__ import annotations

import numpy as np
import pytest

from pacpinn.tasks.registry import get_problem

WAVE = get_problem("wave")


def start(x: np.ndarray) -> np.ndarray:
    return np.cos(np.pi * x / 2) + np.sin(np.pi * x) / 2


@pytest.mark.parametrize("speed", [0.1, 0.5, 2.0])
def test_half_of_the_start_runs_to_either_side(speed):
    """D'Alembert's solution, whose start is mirrored at the ends."""
    x = np.random.default_rng(0).uniform([-1, 0], [1, 2], (500, 2))
    place, way = x[:, 0], speed * x[:, 1]
    exact = (start(place - way) + start(place + way)) / 2
    np.testing.assert_allclose(WAVE.reference(x, WAVE.at({"speed": speed}))[:, 0], exact, atol=1e-14)


def test_after_a_period_the_string_is_where_it_was():
    place = np.linspace(-1, 1, 51)
    x = np.stack([place, np.full_like(place, 2.0)], axis=1)
    np.testing.assert_allclose(WAVE.reference(x, WAVE.at({"speed": 2.0}))[:, 0], start(place), atol=1e-14)


def test_after_half_a_period_it_is_its_mirror_image_upside_down():
    place = np.linspace(-1, 1, 51)
    x = np.stack([place, np.full_like(place, 2.0)], axis=1)
    np.testing.assert_allclose(WAVE.reference(x, WAVE.at({"speed": 1.0}))[:, 0], -start(-place), atol=1e-14)
