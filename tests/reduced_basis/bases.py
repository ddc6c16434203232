"""Reduced equations of random networks, and the same combinations as ordinary functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

import pacpinn as pp
from pacpinn.equations.residuals import Residuals
from pacpinn.networks.residual_blocks import join_blocks
from pacpinn.reduced_basis.derivative_tables import DerivativeTable, Function
from pacpinn.reduced_basis.pod import PODBasis
from pacpinn.reduced_basis.reduced_residual import ReducedResidual
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched


class Basis(NamedTuple):
    equation: pp.Equation
    reduced: ReducedResidual
    pod: PODBasis
    functions: list[Function]


def basis(equation: pp.Equation, members: Sequence[pp.Coefficients]) -> Basis:
    """The span of a random network for each of some members."""
    task, functions = equation.task(), []
    for seed, c in enumerate(members):
        network = equation.initial_network(seed).to(torch.float64)
        functions.append(Residuals(equation, c).outputs_of(network))
    points = task.everything()
    table = DerivativeTable.joined([DerivativeTable.of(each, points.x) for each in functions])
    pod = PODBasis.of(table.values)
    return Basis(equation, ReducedResidual(equation, points, table.combined(pod.modes)), pod, functions)


def in_full(basis: Basis, c: pp.Coefficients, b: Tensor) -> tuple[Tensor, Tensor]:
    """Residuals ``(m,)`` and Jacobian ``(m, modes)`` with the networks themselves, and autograd by the coordinates."""
    equation, _, pod, functions = basis
    task = equation.task(**c)
    b = b.detach().requires_grad_()
    weights = pod.weights(b[None])[0]

    def outputs(x: Tensor) -> Tensor:
        return sum(weight * function(x) for weight, function in zip(weights, functions, strict=True))

    points = replace(basis.reduced.points, conditions=[task.conditions()])
    with untouched(), deepxde_defaults(torch.float64, torch.device("cpu")):
        residuals = join_blocks(Residuals(equation, c).blocks(outputs, points))[0]
        rows = [torch.autograd.grad(each, b, retain_graph=True)[0] for each in residuals]
    return residuals.detach(), torch.stack(rows)


def coordinates(basis: Basis, count: int = 1) -> Tensor:
    """Some coordinates ``(count, modes)``."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, basis.pod.coordinates.shape[1], generator=generator, dtype=torch.float64)
