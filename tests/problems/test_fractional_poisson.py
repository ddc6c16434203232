"""The series of Jacobi polynomials, and DeepXDE's discretisation of it."""

import numpy as np
import pytest
import torch
from scipy.special import eval_jacobi, gamma

import pacpinn as pp
from pacpinn.problems.fractional_poisson import spectral

POISSON = pp.get_problem("fractional_poisson")
X = np.linspace(-1, 1, 41)[:, None]


@pytest.mark.parametrize("order", [1.2, 1.5, 1.9])
def test_without_screening_it_is_getoors_closed_form(order):
    found = POISSON.reference(X, pp.Coefficients(order=order, screening=0.0))
    assert np.allclose(found, (1 - X**2) ** (order / 2) / gamma(1 + order), atol=1e-13)


def test_near_order_two_it_is_the_ordinary_equation():
    exact = (1 - np.cosh(2 * X) / np.cosh(2)) / 4  # -u'' + 4 u = 1
    found = POISSON.reference(X, pp.Coefficients(order=1.999, screening=4.0))
    assert np.abs(found - exact).max() < 1e-3


def test_the_series_settles():
    long, short = spectral(1.5, 8.0), spectral(1.5, 8.0, 20)
    assert np.abs(long[:20] - short).max() < 1e-7


def test_deepxdes_formula_agrees_inside():
    task = POISSON.task(order=1.8, screening=2.0)
    amplitudes, sizes = spectral(1.8, 2.0), POISSON.sizes_at(task.coefficients)

    def forward(features):  # 2 x² - 1
        x = np.sqrt((1 + features.detach().numpy()) / 2)
        values = torch.as_tensor((eval_jacobi(2 * np.arange(len(amplitudes)), 0.9, 0.9, x) @ amplitudes)[:, None])
        return (values - sizes.offset) / sizes.size

    batch = task.everything()
    (block,) = task.residuals(forward, batch)
    inside = np.abs(batch.points[: len(block.values), 0]) < 0.8
    residuals = block.values * sizes.block_size(0, block.values)
    assert residuals.numpy(force=True)[inside] == pytest.approx(0, abs=0.02)
