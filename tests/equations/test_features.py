"""Features: periodic to the last bit, with the derivatives of what they say they are."""

import math

import pytest
import torch

import pacpinn as pp
from pacpinn.runtime.deepxde_backend import dde

PERIODS = [1.0, 0.3, 2 * math.pi]


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


@pytest.mark.parametrize("period", PERIODS)
def test_both_ends_of_a_period_look_alike_to_the_last_bit(period):
    first, last = pp.periodic(column(0.0, period), period, harmonics=3)
    assert torch.equal(first, last)


@pytest.mark.parametrize("period", PERIODS)
def test_the_waves_are_those_that_the_period_holds(period):
    x = torch.linspace(-2, 5, 60, dtype=torch.float64)[:, None]
    found = pp.periodic(x, period, harmonics=2)
    angles = 2 * math.pi * x / period
    expected = torch.cat([angles.cos(), (2 * angles).cos(), angles.sin(), (2 * angles).sin()], dim=1)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(pp.periodic(x + period, period, harmonics=2), found, atol=1e-12, rtol=0)


def test_derivatives_flow_through_them():
    x = torch.linspace(-2, 5, 60, dtype=torch.float64)[:, None].requires_grad_()
    wave = pp.periodic(x, 3.0)[:, 1:2]  # sin(2 pi x / 3)
    torch.testing.assert_close(dde.grad.jacobian(wave, x), 2 * math.pi / 3 * torch.cos(2 * math.pi * x / 3))
    torch.testing.assert_close(dde.grad.hessian(wave, x), -((2 * math.pi / 3) ** 2) * wave)
    dde.grad.clear()


def test_a_network_of_periodic_features_is_periodic_with_all_its_derivatives():
    ends = column(-1.0, 1.0).requires_grad_()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
    u = network(pp.periodic(ends, 2.0, harmonics=2))
    for values in (u, dde.grad.jacobian(u, ends), dde.grad.hessian(u, ends)):
        assert values[0].item() == pytest.approx(values[1].item(), rel=1e-12)
    dde.grad.clear()


def test_fourier_features_are_plane_waves():
    x = torch.rand(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = pp.fourier(x, [[1.0, 0.0, 2.5], [0.0, 3.0, -1.0]])
    angles = [x[:, 0], 3 * x[:, 1], 2.5 * x[:, 0] - x[:, 1]]
    expected = [wave(2 * math.pi * each) for wave in (torch.cos, torch.sin) for each in angles]
    torch.testing.assert_close(found, torch.stack(expected, dim=1))


def test_fourier_features_of_one_input_take_plain_frequencies():
    x = column(0.0, 0.25, 0.5)
    torch.testing.assert_close(pp.fourier(x, [1.0, 2.0]), pp.fourier(x, [[1.0, 2.0]]))
    assert pp.fourier(x.float(), [1.0]).dtype == torch.float32
