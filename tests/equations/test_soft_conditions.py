"""Exact conditions made soft."""

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.errors import PacpinnError
from tests.toys import Advection, Decay, Waves, blocks_of


def blocks(problem, function):
    return {each.name: each.values for each in blocks_of(problem.task(), function)}


def test_conditions_become_residuals_of_the_network_itself():
    found = blocks(pp.soft(Decay()), lambda t: 3 + torch.exp(-t))
    assert list(found) == ["residual", "condition 1 (IC)"]
    assert torch.allclose(found["condition 1 (IC)"], torch.tensor([3.0], dtype=torch.float64))
    exact = blocks(pp.soft(Decay()), lambda t: torch.exp(-t))
    assert all(values.abs().max() < 1e-12 for values in exact.values())


def test_the_problem_itself_stays_exact():
    decay = Decay()
    pp.soft(decay)
    assert list(blocks(decay, torch.zeros_like)) == ["residual"]


def test_a_soft_family_is_solved_and_stored(tmp_path):
    family = pp.solve_family(pp.soft(Decay()), targets=pp.grid(k=[1.3]), keep=0.5)
    t = np.linspace(0, 1, 9)[:, None]
    assert [each.status for each in family.values()] == ["converged"] * 2
    assert 0 < abs(family.predict(t, k=1.3)[0, 0] - 1) < 1e-2
    loaded = pp.load(family.save(tmp_path / "soft.pac"), Decay())
    assert np.array_equal(loaded.predict(t, k=1.3), family.predict(t, k=1.3))


def test_points_may_be_stated():
    class Stated(Decay):
        soft_points = pp.Points(domain=7, boundary=2)

    assert pp.soft(Stated()).points.domain == 7
    assert pp.soft(Decay()).points == pp.Points(domain=24, boundary=2, initial=2)


def test_what_has_no_exact_conditions_is_refused():
    with pytest.raises(PacpinnError, match=r"advection names no condition .* exact_conditions.*toys\.py, line"):
        pp.soft(Advection())
    with pytest.raises(PacpinnError, match="waves is no equation"):
        pp.soft(Waves())
