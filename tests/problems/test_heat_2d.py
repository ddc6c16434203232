from __future__ import annotations

import numpy as np
import pytest

from pacpinn.tasks.registry import get_problem

HEAT = get_problem("heat_2d")


def on_grid(alpha: float, time: float, cells: int = 32) -> np.ndarray:
    s = np.linspace(0, 1, cells + 1)
    x = np.stack([each.ravel() for each in np.meshgrid(s, s, [time], indexing="ij")], axis=1)
    return HEAT.reference(x, HEAT.at({"alpha": alpha})).reshape(cells + 1, cells + 1)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.25])
def test_an_explicit_scheme_arrives_at_the_same(alpha):
    u, cells = on_grid(alpha, 0.0), 32
    steps = int(np.ceil(6 * alpha * cells**2))
    for _ in range(steps):  # with a mesh ratio of at most 1/6, at which its error is about of fourth order
        inside = u[1:-1, 1:-1]
        laplacian = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * inside
        u = np.pad(inside + alpha * cells**2 / steps * laplacian, 1)
    np.testing.assert_allclose(u, on_grid(alpha, 1.0), atol=5e-3 * u.max())


def test_one_corner_is_hottest_at_the_start_and_the_middle_at_the_end():
    hottest = [np.unravel_index(np.argmax(on_grid(0.2, time)), (33, 33)) for time in (0.0, 1.0)]
    assert max(hottest[0]) < 14
    assert np.abs(np.subtract(hottest[1], 16)).max() <= 1


def test_the_slowest_wave_is_left():
    early, late = on_grid(0.25, 0.9), on_grid(0.25, 1.0)
    assert late[16, 16] / early[16, 16] == pytest.approx(np.exp(-2 * np.pi**2 * 0.25 * 0.1))


def test_time_and_diffusivity_enter_as_their_product():
    np.testing.assert_allclose(on_grid(0.04, 0.5), on_grid(0.02, 1.0), atol=1e-14)
