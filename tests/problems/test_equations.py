"""What holds for every installed equation."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

import pacpinn as pp
from pacpinn.equations.collocation import bounding_box
from pacpinn.equations.residuals import Residuals
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.runtime.deepxde_backend import dde, deepxde_defaults
from pacpinn.tasks.registry import get_problem, installed_problems

EQUATIONS = [name for name in installed_problems() if isinstance(get_problem(name), pp.Equation)]
# Weights of the central difference of eighth order at offsets 1 to 4 (Fornberg 1988).
CENTRAL = (4 / 5, -1 / 5, 4 / 105, -1 / 280)

Field = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(params=EQUATIONS)
def equation(request: pytest.FixtureRequest) -> pp.Equation:
    problem = get_problem(request.param)
    assert isinstance(problem, pp.Equation)
    return problem


def members(equation: pp.Equation) -> list[pp.Coefficients]:
    """The source, the first and the last default target."""
    return [equation.source, equation.at(equation.targets[0]), equation.at(equation.targets[-1])]


def small(equation: pp.Equation) -> pp.Equation:
    """The same equation with few points."""
    few = {name: min(24, getattr(equation.points, name)) for name in ("domain", "boundary", "initial")}
    equation.points = replace(equation.points, **few)  # type: ignore[misc]
    return equation


class Sampled(torch.autograd.Function):
    """A field of NumPy as a tensor whose derivatives, of any order, are central differences."""

    @staticmethod
    def forward(ctx, x: Tensor, field: Field, steps: np.ndarray) -> Tensor:
        ctx.save_for_backward(x)
        ctx.field, ctx.steps = field, steps
        return torch.as_tensor(field(x.detach().numpy()))

    @staticmethod
    def backward(ctx, upstream: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        slopes = [Sampled.apply(x, slope(ctx.field, step), ctx.steps) for step in np.diag(ctx.steps)]
        return torch.cat([(upstream * each).sum(1, keepdim=True) for each in slopes], dim=1), None, None


def slope(field: Field, step: np.ndarray) -> Field:
    def difference(x: np.ndarray) -> np.ndarray:
        pairs = [field(x + i * step) - field(x - i * step) for i in range(1, 5)]
        return sum(weight * pair for weight, pair in zip(CENTRAL, pairs, strict=True)) / step.sum()

    return difference


def edge(geometry) -> np.ndarray:
    """Points on the boundary and at the initial time."""
    if isinstance(geometry, dde.geometry.TimeDomain):
        return np.array([[geometry.t0]])
    points = [geometry.random_boundary_points(50)]
    if isinstance(geometry, dde.geometry.GeometryXTime):
        points.append(geometry.random_initial_points(50))
    return np.concatenate(points).astype(float)


@pytest.mark.parametrize("name", installed_problems())
def test_a_problem_has_the_name_under_which_it_is_found(name):
    assert get_problem(name).name == name


def test_residual_of_the_reference_vanishes(equation):
    if not equation.pointwise:
        pytest.skip("integrals, tested in files of their own")
    for c in members(equation):
        low, high = bounding_box(equation.geometry(c))
        inside = np.random.default_rng(0).uniform(0.05, 0.95, (200, len(low)))
        x = torch.as_tensor(low + (high - low) * inside).requires_grad_()
        assert any(largest_residual(equation, c, x, share * (high - low)) < 1e-7 for share in (1e-4, 1e-3))


def largest_residual(equation: pp.Equation, c: pp.Coefficients, x: Tensor, steps: np.ndarray) -> float:
    """The largest residual of the reference at points `x`, of its size, by differences over `steps` in each input.

    Long steps serve references whose variation is small beside their values, where rounding counts.
    """
    dde.grad.clear()
    found = equation.residual(x, Sampled.apply(x, lambda points: equation.reference(points, c), steps), c)
    residuals = [each.detach().abs().max() for each in (found if isinstance(found, list | tuple) else [found])]
    return max(float(each / size) for each, size in zip(residuals, equation.sizes_at(c).blocks, strict=False))


def test_conditions_are_exact_and_those_of_the_reference(equation):
    if type(equation).transform is pp.Equation.transform:
        pytest.skip("conditions in the loss")
    for c in members(equation):
        points = edge(equation.geometry(c))
        x = torch.as_tensor(points)
        y = torch.randn(len(x), len(equation.outputs), generator=torch.Generator().manual_seed(0)).double()
        values = equation.transform(x, y, c)
        exact = (values == equation.transform(x, 1000 * y, c)).numpy()  # each output by itself
        np.testing.assert_allclose(values[exact].numpy(), equation.reference(points, c)[exact], atol=1e-9)
        # What the network may change on the boundary, where no output is given, is periodic: it cannot tell one end of
        # space from the other.
        low, high = bounding_box(equation.geometry(c))
        free = ~exact.any(axis=1)
        partners = x[free].clone()
        partners[:, 0] = low[0] + high[0] - partners[:, 0]
        torch.testing.assert_close(
            equation.features(x[free], c), equation.features(partners, c), rtol=0, atol=1e-6
        )  # DeepXDE's boundary points are of single precision
        assert exact.any()


def test_the_transform_meets_the_conditions_that_it_is_said_to_make_exact(equation):
    if type(equation).transform is pp.Equation.transform or isinstance(equation, pp.GivenEquation):
        pytest.skip("no conditions that soft() could put in a transform's place")
    network = equation.initial_network(seed=0)
    for c in members(equation):
        points = pp.soft(equation).task(**c).everything()
        with deepxde_defaults(torch.float64, torch.device("cpu")):
            residuals = Residuals(equation, c)
            blocks = residuals.unsized_blocks(residuals.outputs_of(lambda features: 5 * network(features)), points)
        first = len(blocks) - len(equation.exact_conditions(equation.geometry(c), c))
        assert all(each.values.abs().max() < 1e-6 for each in blocks[first:])  # points are of single precision


def test_both_jacobians_agree(equation):
    task = small(equation).task()
    network = equation.initial_network(seed=0)
    random_numbers = torch.Generator().manual_seed(0)
    size = sum(each.numel() for each in network.parameters())
    free = torch.rand(size, generator=random_numbers) < 0.5
    objective = Objective(task, MaskedNetwork(network, free=free))
    z = torch.randn(1, int(free.sum()), generator=random_numbers, dtype=torch.float64) / 2
    rowwise, general = objective.linearise(z).jacobian, objective.general_jacobian(z)
    assert (rowwise - general).abs().max() <= 1e-10 * general.abs().max()


def test_a_loop_over_coefficients(equation):
    forward = small(equation).initial_network(seed=0)
    losses = []
    for values in [equation.source, *equation.targets]:
        task = equation.task(**values)
        losses.append(float(task.loss(forward, task.everything()).detach()))
    assert np.isfinite(losses).all()
    assert len(set(losses)) == len(losses)


def test_reference_is_finite_at_the_ends_of_every_range(equation):
    for name, each in equation.coefficients.items():
        for value in (each.low, each.high):
            x, exact = equation.task(**{name: value}).reference_on_grid()
            assert exact.shape == (len(x), len(equation.outputs))
            assert np.isfinite(exact).all()


def test_the_process_stays_as_it_was(equation):
    def state() -> bytes:
        streams = random.getstate(), np.random.get_state(), torch.get_rng_state().numpy()
        return pickle.dumps((streams, str(torch.get_default_dtype()), str(torch.get_default_device())))

    before = state()
    task = small(equation).task()
    forward = equation.initial_network(seed=3)
    task.loss(forward, task.everything())
    task.loss(forward, task.fresh(seed=1))
    task.score(forward)
    assert state() == before
