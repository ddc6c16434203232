"""The closed form of the equation with memory."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad

import pacpinn as pp
from tests.toys import blocks_of

VOLTERRA = pp.get_problem("volterra")


@pytest.mark.parametrize("strength", [0.25, 1.0, 4.0])
def test_the_closed_form_solves_the_equation(strength):
    c = VOLTERRA.at({"strength": strength})

    def u(t):
        return VOLTERRA.reference(np.array([[t]]), c)[0, 0]

    for t in (0.3, 1.0, 2.5):
        slope = (u(t + 1e-5) - u(t - 1e-5)) / 2e-5
        memory = quad(lambda s, t=t: np.exp(s - t) * u(s), 0, t)[0]
        assert slope + u(t) == pytest.approx(strength * memory, abs=1e-8)
    assert u(0) == 1


def test_residuals_of_the_closed_form_vanish():
    task = VOLTERRA.task(strength=2.0)
    batch = task.everything()

    def forward(t):
        later = torch.where(t > 1e-6, t, 1.0)
        return torch.where(t > 1e-6, (torch.exp(-later) * torch.cosh(2**0.5 * later) - 1) / later, -1.0)

    (block,) = blocks_of(task, forward, batch)
    assert block.values.abs().max() < 1e-7
