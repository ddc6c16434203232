"""Interpolation over the coefficients."""

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.reduced_basis.rbf_interpolation import RBFInterpolation
from tests.reduced_basis.test_greedy import Spring

EQUATION, SOURCE = Spring(), Spring().source
ONE, TWO = {"k": (1.0, 4.0)}, {"k": (1.0, 4.0), "force": (0.2, 0.8)}


def values(cs):
    return torch.tensor([[np.exp(-c.k), c.k * c.force] for c in cs], dtype=torch.float64)


@pytest.mark.parametrize(
    ("within", "count", "accuracy"), [(ONE, 2, 0.3), (ONE, 4, 2e-2), (ONE, 32, 1e-5), (TWO, 8, 1e-3)]
)
def test_a_smooth_function_is_met_the_better_the_more_is_known(within, count, accuracy):
    box = EQUATION.space.box(within)
    cs = box.at(box.grid(count), SOURCE)
    found = RBFInterpolation(box, cs, values(cs))
    assert torch.allclose(found(cs), values(cs), atol=1e-9)
    others = box.at(np.random.default_rng(0).uniform(size=(50, len(within))), SOURCE)
    assert (found(others) - values(others)).abs().max() < accuracy


def test_along_a_line_in_a_plane():
    box = EQUATION.space.box(TWO)
    cs = box.at(np.linspace([0, 0], [1, 1], 6), SOURCE)
    found = RBFInterpolation(box, cs, values(cs))
    assert torch.allclose(found(cs), values(cs), atol=1e-9)
    assert pp.Coefficients(k=2.0, force=0.5) not in cs
    assert found([pp.Coefficients(k=2.0, force=0.5)]).isfinite().all()
