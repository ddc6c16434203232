"""Sensitivities in the members' span."""

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.reduced_basis.sensitivity import sensitivity
from tests.toys import Decay

T = np.linspace(0, 1, 13)[:, None]


class Shifted(Decay):
    """u' = -k (u - shift), u(0) = 1 + shift; the shift is in the transform as well."""

    shift = pp.Coefficient(0.0, low=0.0, high=1.0)

    def residual(self, t, u, c):
        return super().residual(t, u, c) - c.k * c.shift

    def transform(self, t, u, c):
        return 1 + c.shift + t * u

    def reference(self, t, c):
        return c.shift + np.exp(-c.k * t)


@pytest.fixture(scope="module")
def model():
    return pp.solve_family(Shifted(), targets=pp.grid(k=[1.2, 1.5], shift=[0.2]), keep=0.5).reduced_model


C = pp.Coefficients(k=1.3, shift=0.1)


def test_by_each_coefficient_against_the_exact_derivative(model):
    found = sensitivity(model, C, T, ["k", "shift"])
    assert found.shape == (13, 1, 2)
    assert np.abs(found[..., 0] + T * np.exp(-C.k * T)).max() < 0.02
    assert np.abs(found[..., 1] - 1).max() < 0.02


def test_it_is_the_derivative_of_the_models_own_answers(model):
    h = 1e-3
    below, above = (model.solve([pp.Coefficients(k=1.3 + s, shift=0.1)])[0].predict(T) for s in (-h, h))
    found = sensitivity(model, C, T, ["k"])[..., 0]
    assert np.linalg.norm(found - (above - below) / (2 * h)) < 1e-2 * np.linalg.norm(found)
