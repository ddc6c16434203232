from __future__ import annotations

import numpy as np
import pytest
import torch

from pacpinn.tasks.registry import get_problem

HEAT = get_problem("heat")


def points() -> np.ndarray:
    axes = np.meshgrid(np.linspace(0, 1, 21), np.linspace(0.05, 1, 20))
    return np.stack([each.ravel() for each in axes], axis=1)


@pytest.mark.parametrize("alpha", [0.01, 0.1, 1.0])
def test_residual_of_the_series_vanishes(alpha):
    c = HEAT.at({"alpha": alpha})
    x = torch.as_tensor(points()).requires_grad_()
    n = torch.arange(1, 200, 2, dtype=torch.float64)
    waves = torch.sin(torch.pi * n * x[:, 0:1]) * torch.exp(-alpha * (torch.pi * n) ** 2 * x[:, 1:2])
    u = (3.2 * 96 / (torch.pi * n) ** 5 * waves).sum(1, keepdim=True)
    assert HEAT.residual(x, u, c).abs().max() < 1e-11
    np.testing.assert_allclose(HEAT.reference(points(), c), u.detach(), atol=1e-12)


def test_series_starts_as_the_polynomial():
    x = np.linspace(0, 1, 101)[:, None]
    start = HEAT.reference(np.hstack([x, np.zeros_like(x)]), HEAT.source)
    np.testing.assert_allclose(start, 3.2 * (x - 2 * x**3 + x**4), atol=1e-9)
    assert start.max() == pytest.approx(1)


def test_the_slowest_wave_is_left():
    c = HEAT.at({"alpha": 1.0})
    early, late = HEAT.reference(np.array([[0.5, 0.5], [0.5, 1.0]]), c)[:, 0]
    assert late / early == pytest.approx(np.exp(-(np.pi**2) / 2))
