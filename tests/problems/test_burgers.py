from __future__ import annotations

import numpy as np
import pytest

from pacpinn.problems.burgers import cole_hopf


def spectral(nu: float, points: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and u at t = 1, by Fourier collocation and Runge-Kutta 4 with integrating factor (Trefethen 2000, p27)."""
    x = np.linspace(-1, 1, points, endpoint=False)
    k = np.pi * np.arange(points // 2 + 1)
    dt = 1 / steps
    half = np.exp(-nu * k**2 * dt / 2)
    v = np.fft.rfft(-np.sin(np.pi * x))

    def advection(v: np.ndarray) -> np.ndarray:
        return -dt * 0.5j * k * np.fft.rfft(np.fft.irfft(v) ** 2)

    for _ in range(steps):
        a = advection(v)
        b = advection(half * (v + a / 2))
        c = advection(half * v + b / 2)
        d = advection(half * (half * v + c))
        v = half**2 * v + (half**2 * a + 2 * half * (b + c) + d) / 6
    return x, np.fft.irfft(v)


@pytest.mark.parametrize(
    ("nu", "points", "steps"), [(1.0, 64, 500), (0.05, 256, 500), (0.01, 1024, 2000), (0.003, 2048, 4000)]
)
def test_reference_agrees_with_a_spectral_solution(nu, points, steps):
    x, u = spectral(nu, points, steps)
    np.testing.assert_allclose(cole_hopf(x, np.ones_like(x), nu), u, atol=1e-8)


@pytest.mark.parametrize("nu", [0.003, 0.01, 0.1, 1.0])
def test_reference_starts_as_it_must(nu):
    x = np.linspace(-1, 1, 101)
    initial = -np.sin(np.pi * x)
    np.testing.assert_allclose(cole_hopf(x, np.zeros_like(x), nu), initial, atol=1e-14)
    # u_t = nu u_xx - u u_x at t = 0; the next term of the Taylor series is of size t².
    slope = nu * np.pi**2 * np.sin(np.pi * x) - np.pi * np.sin(np.pi * x) * np.cos(np.pi * x)
    for t in [1e-12, 1e-9, 1e-6, 1e-4]:
        np.testing.assert_allclose(cole_hopf(x, np.full_like(x, t), nu), initial + t * slope, atol=100 * t**2 + 1e-14)


@pytest.mark.parametrize("nu", np.geomspace(0.003, 1, 7))
def test_reference_is_odd_and_bounded(nu):
    x, t = (each.ravel() for each in np.meshgrid(np.linspace(-1, 1, 81), np.geomspace(1e-8, 1, 20)))
    u = cole_hopf(x, t, nu)
    assert np.abs(u).max() <= 1
    np.testing.assert_allclose(cole_hopf(-x, t, nu), -u, atol=1e-13)


def test_quadrature_refuses_what_it_cannot_do():
    with pytest.raises(ArithmeticError, match="nu=1e-09"):
        cole_hopf(np.array([0.1]), np.array([0.5]), nu=1e-9)


def test_no_points_no_values():
    assert cole_hopf(np.empty(0), np.empty(0), nu=0.05).shape == (0,)
