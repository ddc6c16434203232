from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import pacpinn as pp
from pacpinn.problems.allen_cahn import arrested, collocated, diffused, evaluate, spectral
from pacpinn.runtime.deepxde_backend import dde


def by_differences(d: float, intervals: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and u at t = 1, by the method of lines with central differences of second order, all of its own."""
    x = np.linspace(-1, 1, intervals + 1)

    def slope(t: float, u: np.ndarray) -> np.ndarray:
        inside = d * (u[2:] - 2 * u[1:-1] + u[:-2]) / (x[1] - x[0]) ** 2 + 5 * (u[1:-1] - u[1:-1] ** 3)
        return np.concatenate([[0], inside, [0]])

    initial = x**2 * np.cos(np.pi * x)
    return x, solve_ivp(slope, (0, 1), initial, method="LSODA", lband=1, uband=1, rtol=1e-9, atol=1e-9).y[:, -1]


@pytest.mark.parametrize(("d", "intervals"), [(0.05, 200), (0.01, 400), (0.001, 800)])
def test_reference_agrees_with_finite_differences(d, intervals):
    coarse, fine = by_differences(d, intervals)[1], by_differences(d, 2 * intervals)[1][::2]
    x = np.linspace(-1, 1, intervals + 1)
    u = evaluate(spectral(d), x, np.ones_like(x))
    assert np.abs(u - fine).max() < 0.3 * np.abs(u - coarse).max() < 0.01
    np.testing.assert_allclose(u, fine + (fine - coarse) / 3, atol=3e-5)  # Richardson's extrapolation


@pytest.mark.parametrize("d", [0.05, 0.002])
def test_two_resolutions_agree(d):
    x, t = (each.ravel() for each in np.meshgrid(np.linspace(-1, 1, 41), np.linspace(0, 1, 41)))
    coarse, fine = (evaluate(collocated(d, degree, degree // 2), x, t) for degree in (160, 240))
    np.testing.assert_allclose(coarse, fine, atol=3e-6)


@pytest.mark.parametrize("d", [0.05, 0.005])
def test_reference_starts_as_it_must_and_keeps_its_ends(d):
    x, t = np.linspace(-1, 1, 101), np.linspace(0, 1, 101)
    np.testing.assert_allclose(evaluate(spectral(d), x, 0 * x), x**2 * np.cos(np.pi * x), atol=1e-12)
    for end in (-1, 1):
        np.testing.assert_allclose(evaluate(spectral(d), np.full_like(t, end), t), -1, atol=1e-9)


def test_little_diffusion_leaves_the_reaction_alone():
    """Where u is smooth, u' = 5 (u - u³) is solved by u_0 e^(5 t) / sqrt(1 + u_0² (e^(10 t) - 1))."""
    t, start = np.full(7, 0.4), np.linspace(0.15, 0.4, 7)
    u0 = start**2 * np.cos(np.pi * start)
    exact = u0 * np.exp(5 * t) / np.sqrt(1 + u0**2 * (np.exp(10 * t) - 1))
    farther, nearer = (np.abs(evaluate(spectral(d), start, t) - exact).max() for d in (0.004, 0.001))
    assert nearer < 0.3 * farther < 0.1


def test_reference_is_even_and_between_the_phases():
    x, t = (each.ravel() for each in np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 30)))
    u = evaluate(spectral(0.005), x, t)
    assert (np.abs(u) <= 1 + 1e-9).all()
    np.testing.assert_array_equal(evaluate(spectral(0.005), -x, t), u)


def test_reference_refuses_what_it_cannot_resolve():
    with pytest.raises(ArithmeticError, match="does not settle by degree"):
        spectral(0.01, accuracy=0)


def test_what_spreads_from_the_ends_obeys_the_heat_equation():
    """t times `diffused` is 0 at the start, t at the end of the rod, and heat in between."""
    points = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    heat = points[:, 1:2] * diffused(points[:, 0:1], points[:, 1:2])
    torch.testing.assert_close(dde.grad.jacobian(heat, points, j=1), dde.grad.hessian(heat, points, i=0, j=0))
    dde.grad.clear()
    times = torch.tensor([[0.0], [0.3], [1.0]], dtype=torch.float64)
    assert torch.equal(diffused(torch.zeros_like(times), times), torch.ones_like(times))
    assert torch.equal(diffused(torch.ones_like(times), times)[0], torch.zeros(1, dtype=torch.float64))


def test_the_residual_is_the_familys():
    """Far from the ends a field that only time changes leaves the reaction alone."""
    problem = pp.get_problem("allen_cahn")
    x = torch.tensor([[0.1, 0.2], [-0.4, 0.9]], dtype=torch.float64).requires_grad_()
    u = 0.5 * torch.exp(x[:, 1:2])
    torch.testing.assert_close(problem.residual(x, u, problem.source), u - 5 * (u - u**3))
    dde.grad.clear()
    assert math.isclose(problem.targets[-1]["d"], 0.001)


def test_the_arrested_reaction_starts_as_it_must_and_is_no_steeper_than_an_interface():
    """At x = 1/2, where u0 = 0, the resting interface tanh((x - 1/2) √(5 / 2d)) has the slope √(5 / 2d)."""
    problem = pp.get_problem("allen_cahn")
    c = problem.at({"d": 0.001})
    x = torch.tensor([[0.3, 0.0], [1.0, 0.7], [0.5, 1.0]], dtype=torch.float64).requires_grad_()
    u = arrested(x, c)
    assert u[0].item() == pytest.approx(0.3**2 * math.cos(0.3 * math.pi), rel=1e-12)
    assert u[1].item() == pytest.approx(-1, rel=1e-12)
    (slopes,) = torch.autograd.grad(u.sum(), x)
    assert 0.8 < -slopes[2, 0].item() / math.sqrt(5 / (2 * c.d)) < 1.01


def test_points_crowd_about_the_interface_and_stay_in_the_domain():
    problem = pp.get_problem("allen_cahn")
    even = np.random.default_rng(0).uniform([-1, 0], 1, (2000, 2))
    shares = []
    for d in (0.05, 0.001):
        x = problem.place(even, problem.at({"d": d}))
        assert (np.abs(x[:, 0]) <= 1).all()
        assert ((x[:, 1] >= 0) & (x[:, 1] <= 1)).all()
        shares.append(np.mean(np.abs(np.abs(x[:, 0]) - 0.5) < 0.05))
    assert shares[1] > 1.3 * shares[0]
