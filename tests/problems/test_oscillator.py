from __future__ import annotations

import numpy as np
import pytest
import torch

from pacpinn.tasks.registry import get_problem

OSCILLATOR = get_problem("oscillator")
TIMES = np.linspace(0, 5, 101)[:, None]


def flow(t: torch.Tensor, c) -> torch.Tensor:
    """x at times ``(rows, 1)`` by the matrix exponential of the first-order system, whatever the regime."""
    system = torch.tensor([[0, 1], [-c.stiffness / c.mass, -c.damping / c.mass]], dtype=torch.float64)
    return torch.linalg.matrix_exp(t[:, :, None] * system)[:, 0, 0:1]


def critical(mass: float, stiffness: float, ratio: float = 1.0):
    return OSCILLATOR.at({"mass": mass, "damping": ratio * 2 * (mass * stiffness) ** 0.5, "stiffness": stiffness})


CASES = {
    "undamped": OSCILLATOR.at({"damping": 0.0}),
    "under-damped": critical(2.0, 3.0, ratio=0.1),
    "nearly critical, below": critical(2.0, 3.0, ratio=1 - 1e-9),
    "critical": critical(1.0, 4.0),
    "nearly critical, above": critical(2.0, 3.0, ratio=1 + 1e-9),
    "over-damped": critical(2.0, 3.0, ratio=2.0),
    "far over-damped": OSCILLATOR.at({"mass": 0.5, "damping": 10.0, "stiffness": 0.5}),
    "fast": OSCILLATOR.at({"mass": 0.5, "damping": 0.1, "stiffness": 8.0}),
}


@pytest.mark.parametrize("c", CASES.values(), ids=CASES)
def test_reference_is_the_flow_of_the_system(c):
    np.testing.assert_allclose(OSCILLATOR.reference(TIMES, c), flow(torch.as_tensor(TIMES), c), atol=1e-12)


@pytest.mark.parametrize("c", CASES.values(), ids=CASES)
def test_residual_of_the_flow_vanishes(c):
    t = torch.as_tensor(TIMES).requires_grad_()
    assert OSCILLATOR.residual(t, flow(t, c), c).abs().max() < 1e-10


def test_reference_is_continuous_through_the_critical_case():
    around = [OSCILLATOR.reference(TIMES, critical(2.0, 3.0, 1 + shift)) for shift in (-1e-11, 0, 1e-11)]
    np.testing.assert_allclose(around[0], around[1], atol=1e-10)
    np.testing.assert_allclose(around[2], around[1], atol=1e-10)


def test_transform_starts_at_rest():
    t = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    x = OSCILLATOR.transform(t, 5 + 7 * t, OSCILLATOR.source)
    (velocity,) = torch.autograd.grad(x, t)
    assert x.item() == 1
    assert velocity.item() == 0


def test_default_targets_cover_all_regimes():
    ratios = [c["damping"] / (2 * (c["mass"] * c["stiffness"]) ** 0.5) for c in OSCILLATOR.targets]
    assert np.isclose(ratios, 1).sum() == 3
    assert np.less(ratios, 0.99).sum() == 3
    assert np.greater(ratios, 1.01).sum() == 3
