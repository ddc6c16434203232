from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pacpinn.problems.heat_inhomogeneous import evaluate, modes


def test_an_even_material_has_one_wave():
    x, t = np.random.default_rng(0).uniform([[-1], [0]], 1, (2, 200))
    exact = np.cos(np.pi * x / 2) * np.exp(-(np.pi**2) / 4 * t)
    np.testing.assert_allclose(evaluate(*modes(0.0, 3.0), x, t), exact, atol=1e-13)


@pytest.mark.parametrize(("amplitude", "wave_number"), [(0.8, 4.0), (0.5, 8.0)])
def test_reference_agrees_with_finite_volumes(amplitude, wave_number):
    def by_volumes(intervals: int) -> np.ndarray:
        x = np.linspace(-1, 1, intervals + 1)
        k = 1 + amplitude * np.sin(wave_number * np.sin(np.pi / 2 * (x[1:] + x[:-1]) / 2))

        def slope(t: float, u: np.ndarray) -> np.ndarray:
            return np.concatenate([[0], np.diff(k * np.diff(u)) / (x[1] - x[0]) ** 2, [0]])

        return solve_ivp(slope, (0, 0.3), np.cos(np.pi * x / 2), "LSODA", lband=1, uband=1, rtol=1e-9, atol=1e-10).y[
            :, -1
        ]

    coarse, fine = by_volumes(100), by_volumes(200)[::2]
    x = np.linspace(-1, 1, 101)
    u = evaluate(*modes(amplitude, wave_number), x, np.full_like(x, 0.3))
    assert np.abs(u - fine).max() < 0.3 * np.abs(u - coarse).max()
    np.testing.assert_allclose(u, fine + (fine - coarse) / 3, atol=1e-4)  # Richardson's extrapolation


def test_heat_leaves_through_the_ends_alone():
    """d/dt ∫ u dx = k u_x between the ends."""
    amplitude, wave_number, time, step = 0.7, 2.0, 0.4, 1e-4
    nodes, weights = np.polynomial.legendre.leggauss(60)
    solution = modes(amplitude, wave_number)
    after, before = (weights @ evaluate(*solution, nodes, np.full_like(nodes, time + i * step)) for i in (1, -1))
    ends = np.array([-1.0, 1.0])
    outer, inner = (evaluate(*solution, ends + i * step, np.full(2, time)) for i in (1, -1))
    flux = (
        (1 + amplitude * np.sin(wave_number * ends)) * (outer - inner) / (2 * step)
    )  # u goes on, odd, beyond the ends
    assert (after - before) / (2 * step) == pytest.approx(flux[1] - flux[0], rel=1e-6)


def test_reference_refuses_what_it_cannot_resolve():
    with pytest.raises(ArithmeticError, match="settles with 512 sines"):
        modes(0.5, 2.0, accuracy=0)
