"""The classical solvers that networks are measured against."""

import numpy as np
import pytest

import classical

CASES = [
    ("burgers", {"nu": 0.05}),
    ("advection", {"beta": 3.0}),
    ("heat", {"alpha": 0.1}),
    ("oscillator", {"mass": 1.0, "damping": 0.4, "stiffness": 4.0}),
]


@pytest.mark.parametrize(("name", "c"), CASES, ids=[name for name, _ in CASES])
def test_errors_fall_with_the_fourth_power_of_the_resolution(name, c):
    errors = [classical.solve(name, c, resolution)[1] for resolution in (32, 128)]
    assert np.log(errors[0] / errors[1]) / np.log(4) > 3
    assert errors[1] < 1e-5


def test_differences_are_exact_for_polynomials_of_degree_four_away_from_the_walls():
    x = np.linspace(0, 1, 21)
    u_x, u_xx = classical.BURGERS.derivatives((x**4)[1:-1], x[1] - x[0])
    np.testing.assert_allclose(u_x[2:-2], 4 * x[3:-3] ** 3, atol=1e-12)
    np.testing.assert_allclose(u_xx[2:-2], 12 * x[3:-3] ** 2, atol=1e-10)


def test_a_solution_keeps_to_its_walls():
    x = np.array([[-1.0, 0.0], [-1.0, 0.5], [1.0, 0.0], [1.0, 0.5]])
    np.testing.assert_allclose(classical.SOLVERS["allen_cahn"]({"d": 0.01}, x, 32), -1, atol=1e-12)
