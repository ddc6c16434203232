from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import diags_array, eye_array, kron
from scipy.sparse.linalg import spsolve

from pacpinn.tasks.registry import get_problem

HELMHOLTZ = get_problem("helmholtz")


def differences(k: float, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and the solution there by the five-point scheme, whose error is of second order."""
    s = np.arange(1, cells) / cells
    second = diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(cells - 1, cells - 1)) * cells**2
    one = eye_array(cells - 1)
    x, y = (each.ravel() for each in np.meshgrid(s, s, indexing="ij"))
    f = np.sin(np.pi * x) * np.sin(np.pi * y) * np.exp(np.cos(np.pi * x) - np.cos(np.pi * y)) / 4
    operator = kron(second, one) + kron(one, second) + k**2 * kron(one, one)
    return np.stack([x, y], axis=1), spsolve(operator.tocsc(), -f)


@pytest.mark.parametrize("k", [0.1, 3.0, 4.2])
def test_finite_differences_approach_the_series(k):
    errors = []
    for cells in (16, 32):
        x, u = differences(k, cells)
        exact = HELMHOLTZ.reference(x, HELMHOLTZ.at({"k": k}))[:, 0]
        errors.append(np.abs(u - exact).max() / np.abs(exact).max())
    assert errors[1] < 0.03
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.2)


def test_the_edges_are_held():
    s = np.linspace(0, 1, 21)
    edges = np.concatenate([np.stack([s, end + 0 * s], axis=1) for end in (0, 1)])
    for x in (edges, edges[:, ::-1]):
        np.testing.assert_allclose(HELMHOLTZ.reference(x, HELMHOLTZ.source), 0, atol=1e-15)


def test_near_resonance_the_first_mode_is_left():
    x = np.random.default_rng(0).uniform(0, 1, (100, 2))
    u = HELMHOLTZ.reference(x, HELMHOLTZ.at({"k": 4.4}))[:, 0]
    mode = np.prod(np.sin(np.pi * x), axis=1)
    assert np.corrcoef(u, mode)[0, 1] > 0.99
    assert np.abs(HELMHOLTZ.reference(x, HELMHOLTZ.at({"k": 1.0}))).max() < u.max() / 20
