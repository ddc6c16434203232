"""Ways between the members of a family, and where they are asked."""

import numpy as np
import pytest
import torch
from online import drawn, first
from online_baselines import descended, interpolated, interpolated_answers, nearest, on_weights

import pacpinn as pp
from tests.toys import Decay

C = pp.Coefficients(k=1.42)


@pytest.fixture(scope="module")
def online():
    family = pp.solve_family(Decay(), targets=pp.grid(k=[1.3, 1.6, 2.0]), keep=0.5)
    return family.reduced_model


def test_coefficients_are_drawn_from_the_range():
    found = [c.k for c in drawn(Decay(), {"k": (1, 4)}, 200, seed=0)]
    assert 1 <= min(found) < 1.1
    assert 3.7 < max(found) <= 4
    assert np.mean(np.log(found)) == pytest.approx(np.log(2), abs=0.1)  # even on the coefficient's log scale


def test_weights_of_baselines(online):
    assert nearest(online, C).tolist() == [0, 1, 0, 0]
    for weigh in (interpolated, interpolated_answers):
        assert float(weigh(online, C).sum()) == pytest.approx(1)


def test_gradient_descent_lowers_the_residual(online):
    equation = on_weights(online)
    before, after = (
        equation.residuals([C], each[None]).norm() for each in (nearest(online, C), descended(online, equation, C))
    )
    assert after < before


def test_the_span_of_the_first_members(online):
    some = first(online, 2, {"k": (1, 2)})
    assert [each.coefficients.k for each in some.members] == [1, 1.3]
    assert len(online.members) == 4
    assert torch.isfinite(some.basis.modes).all()
