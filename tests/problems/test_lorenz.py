from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pacpinn.problems.lorenz import START, frequency, trajectory
from pacpinn.tasks.registry import get_problem

LORENZ = get_problem("lorenz")
TIMES = np.linspace(0, 2, 2001)[:, None]


def test_an_implicit_integrator_finds_the_same():
    c = LORENZ.at({"sigma": 20.0, "rho": 20.0})

    def slope(t, u):
        x, y, z = u
        return c.sigma * (y - x), x * (c.rho - z) - y, x * y - c.beta * z

    implicit = solve_ivp(slope, (0, 2), START, method="Radau", t_eval=TIMES[::100, 0], rtol=1e-9, atol=1e-9).y.T
    np.testing.assert_allclose(LORENZ.reference(TIMES[::100], c), implicit, atol=1e-5)


def test_z_follows_from_x_when_beta_is_twice_sigma():
    # d/dt (z - x² / 2 sigma) = -2 sigma (z - x² / 2 sigma): the system's one integral of the motion.
    sigma, time = 1.5, TIMES[:, 0]
    x, _, z = trajectory(sigma, 15.0, 2 * sigma)(time)
    excess = z - x**2 / (2 * sigma)
    np.testing.assert_allclose(excess, excess[0] * np.exp(-2 * sigma * time), atol=1e-9)


def test_convection_comes_to_rest_in_rolls():
    from scipy.linalg import eigvals

    c = LORENZ.source
    end = solve_ivp(
        lambda t, u: (c.sigma * (u[1] - u[0]), u[0] * (c.rho - u[2]) - u[1], u[0] * u[1] - c.beta * u[2]),
        (0, 40),
        LORENZ.reference(TIMES[-1:], c)[0],
        rtol=1e-9,
    ).y[:, -1]
    roll = (c.beta * (c.rho - 1)) ** 0.5
    np.testing.assert_allclose(abs(end), [roll, roll, c.rho - 1], rtol=1e-4)
    jacobian = [[-c.sigma, c.sigma, 0], [1, -1, -roll], [roll, roll, -c.beta]]
    assert max(eigvals(jacobian).imag) == pytest.approx(frequency(c), rel=0.05)
