"""The spectral reference of reaction and diffusion."""

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.tasks.registry import get_problem

X = np.array([[x, t] for x in (0.0, 1.0, np.pi, 5.0) for t in (0.0, 0.3, 1.0)])


def test_without_diffusion_every_place_grows_by_itself():
    u0 = np.exp(-2 * (1 + np.cos(X[:, :1])))
    grown = u0 * np.exp(4 * X[:, 1:]) / (1 - u0 + u0 * np.exp(4 * X[:, 1:]))  # the logistic equation
    found = get_problem("reaction_diffusion").reference(X, pp.Coefficients(nu=0.0, rho=4.0))
    assert np.allclose(found, grown, atol=1e-9)


@pytest.mark.parametrize("nu", [0.3, 2.0])
def test_without_growth_every_mode_decays_by_itself(nu):
    equation, waves = get_problem("reaction_diffusion"), np.arange(40)
    fine = 2 * np.pi * np.arange(256) / 256
    amplitudes = np.fft.rfft(np.exp(-2 * (1 + np.cos(fine))))[:40].real / 256 * np.where(waves == 0, 1, 2)
    exact = np.sum(amplitudes * np.exp(-nu * waves**2 * X[:, 1:]) * np.cos(waves * X[:, :1]), axis=1, keepdims=True)
    assert np.allclose(equation.reference(X, pp.Coefficients(nu=nu, rho=0.0)), exact, atol=1e-9)
