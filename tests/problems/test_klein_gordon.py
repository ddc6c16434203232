from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pacpinn.problems.klein_gordon import END, evaluate, spectral


def test_without_stiffening_it_is_a_pure_tone():
    """A single harmonic solves u_tt = u_xx - u; what gamma u³ adds is of the size of gamma."""
    x, t = np.random.default_rng(0).uniform([[-1], [0]], [[1], [END]], (2, 200))
    exact = np.cos(np.pi * x / 2) * np.cos(np.sqrt(1 + np.pi**2 / 4) * t)
    farther, nearer = (np.abs(evaluate(spectral(gamma), x, t) - exact).max() for gamma in (2e-4, 1e-4))
    assert nearer < 1e-4
    assert farther / nearer == pytest.approx(2, rel=1e-3)


@pytest.mark.parametrize("gamma", [1.0, 30.0])
def test_energy_is_conserved(gamma):
    """½ ∫ u_t² + u_x² + u² + gamma u⁴ / 2 dx, by Gauss's rule and small differences."""
    nodes, weights = np.polynomial.legendre.leggauss(80)
    step, energies = 1e-4, []
    for time in np.linspace(0.1, END - 0.1, 9):
        at = [evaluate(spectral(gamma), nodes + i * step, np.full_like(nodes, time)) for i in (-1, 0, 1)]
        around = [evaluate(spectral(gamma), nodes, np.full_like(nodes, time + i * step)) for i in (-1, 1)]
        u_x, u_t, u = (at[2] - at[0]) / (2 * step), (around[1] - around[0]) / (2 * step), at[1]
        energies.append(weights @ (u_t**2 + u_x**2 + u**2 + gamma * u**4 / 2) / 2)
    begin = (np.pi**2 / 4 + 1 + gamma * 3 / 8) / 2  # the means of sin² and cos² are a half, that of cos⁴ is 3/8
    np.testing.assert_allclose(energies, begin, rtol=1e-5)


def test_reference_agrees_with_finite_differences():
    def by_differences(intervals: int) -> np.ndarray:
        x = np.linspace(-1, 1, intervals + 1)

        def slope(t: float, state: np.ndarray) -> np.ndarray:
            u, velocity = state.reshape(2, -1)
            inside = (u[2:] - 2 * u[1:-1] + u[:-2]) / (x[1] - x[0]) ** 2 - u[1:-1] - 16 * u[1:-1] ** 3
            return np.concatenate([velocity, [0], inside, [0]])

        begin = np.concatenate([np.cos(np.pi * x / 2), 0 * x])
        return solve_ivp(slope, (0, END), begin, "DOP853", rtol=1e-9, atol=1e-9).y[: len(x), -1]

    coarse, fine = by_differences(40), by_differences(80)[::2]
    x = np.linspace(-1, 1, 41)
    extrapolated = fine + (fine - coarse) / 3  # Richardson's
    np.testing.assert_allclose(evaluate(spectral(16.0), x, np.full_like(x, END)), extrapolated, atol=1e-3)


def test_reference_refuses_what_it_cannot_resolve():
    with pytest.raises(ArithmeticError, match="uncertain by"):
        spectral(1.0, accuracy=0)
