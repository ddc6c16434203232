"""Networks that solve a linear equation up to a known error, in any units, shared by the tests of several rooms."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import deepxde as dde
import numpy as np
import torch
from torch import Tensor, nn

from pacpinn.equations.equation_task import EquationTask
from pacpinn.networks.masked_network import MaskedNetwork
from tests.toys import SoftDecay, small_network

Change = Callable[[Tensor], Tensor]  # of the share of the time, in units of the amplitude


class Cooling(SoftDecay):
    """u' = -k (u - offset) / duration, u(0) = offset + amplitude; u = offset + amplitude exp(-k t / duration)."""

    offset, amplitude, duration = 0.0, 1.0, 1.0

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, self.duration)

    def residual(self, t, u, c):
        return dde.grad.jacobian(u, t) + c.k / self.duration * (u - self.offset)

    def conditions(self, geometry, c):
        return [dde.icbc.IC(geometry, lambda t: self.offset + self.amplitude, lambda _, on_initial: on_initial)]

    def reference(self, t, c):
        return self.offset + self.amplitude * np.exp(-c.k * t / self.duration)


def cooling(**units: float) -> Cooling:
    """The equation with another offset, amplitude or duration."""
    return type("Cooling", (Cooling,), units)()


class Shifted(nn.Module):
    """A network, shifted by a fixed function so that it starts as the function `at_first` of its inputs."""

    def __init__(self, network: nn.Module, at_first: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self.at_first = network, at_first
        self.before = copy.deepcopy(network).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x) - self.before(x) + self.at_first(x)


class Perturbed(NamedTuple):
    """A solution with a known error."""

    task: EquationTask
    masked: MaskedNetwork
    error: float  # relative to the variation


def perturbed(problem: Cooling, change: Change, network: nn.Module | None = None) -> Perturbed:
    """The exact solution plus a change of it. `network` spans the tangent space; a small one by default."""
    c, sizes = problem.source, problem.sizes_at(problem.source)

    def at_first(x: Tensor) -> Tensor:
        share = (x + 1) / 2
        u = problem.offset + problem.amplitude * (torch.exp(-c.k * share) + change(share))
        return (u - sizes.offset) / sizes.size

    masked = MaskedNetwork(Shifted(network or small_network(), at_first))
    share = np.linspace(0, 1, 10_001)[:, None]
    error = change(torch.tensor(share)).numpy()
    return Perturbed(problem.task(), masked, float(np.sqrt(np.mean(error**2)) / np.std(np.exp(-c.k * share) + error)))


def jump(size: float = 0.5, width: float = 1e-4, place: float = 0.251) -> Change:
    """From one solution of the equation to another, between training points."""
    return lambda share: size * torch.exp(-share) * torch.sigmoid((share - place) / width)


def saturated(factor: float, layers: slice = slice(None)) -> nn.Module:
    """A small network with huge weights."""
    network = small_network()
    with torch.no_grad():
        for each in network[layers].parameters():
            each *= factor
    return network
