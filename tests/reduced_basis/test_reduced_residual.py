"""Reduced residuals and Jacobians against those of the networks themselves."""

from dataclasses import replace

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.reduced_basis.reduced_residual import ReducedResidual
from pacpinn.tasks.registry import get_problem, installed_problems
from tests.reduced_basis.bases import basis, coordinates, in_full
from tests.toys import EQUATIONS, Decay

INSTALLED = [name for name in installed_problems() if getattr(get_problem(name), "pointwise", False)]
MEMBERS = 4


class Robin(Decay):
    """Decay with a Robin condition, an operator's and values at given points, one of which changes with k."""

    points = pp.Points(domain=24, boundary=2)

    def transform(self, t, u, c):
        return u

    def conditions(self, geometry, c):
        at_start = lambda t, on: on and dde.utils.isclose(t[0], 0)  # noqa: E731
        at_end = lambda t, on: on and dde.utils.isclose(t[0], 1)  # noqa: E731
        slope = lambda t, u, _: dde.grad.jacobian(u, t) + c.k * u  # noqa: E731
        return [
            dde.icbc.RobinBC(geometry, lambda t, u: -c.k * u, at_end),
            dde.icbc.OperatorBC(geometry, slope, at_start),
            dde.icbc.PointSetBC(np.array([[0.0], [0.3]]), np.array([[1.0], [np.exp(-0.3 * c.k)]])),
        ]


def small(equation):
    few = {name: min(16, getattr(equation.points, name)) for name in ("domain", "boundary", "initial")}
    equation.points = replace(equation.points, **few)
    return equation


def members(equation):
    targets = [equation.at(each) for each in equation.targets]
    return [targets[k % len(targets)] for k in range(MEMBERS)]


@pytest.fixture(
    params=[*INSTALLED, *EQUATIONS, Robin], ids=lambda each: each if isinstance(each, str) else each.__name__
)
def reduced(request):
    equation = small(get_problem(request.param) if isinstance(request.param, str) else request.param())
    return basis(equation, members(equation))


def test_residuals_and_jacobian_agree_with_the_networks(reduced):
    c, b = members(reduced.equation)[-1], coordinates(reduced)
    found = reduced.reduced.linearise([c], b)
    residuals, jacobian = in_full(reduced, c, b[0])
    assert torch.allclose(found.residuals[0], residuals, rtol=1e-10, atol=1e-10 * float(residuals.abs().max()))
    assert torch.allclose(found.jacobian[0], jacobian, rtol=1e-10, atol=1e-10 * float(jacobian.abs().max()))


def test_several_coefficients_together_are_as_one_by_one(reduced):
    cs, b = members(reduced.equation)[:3], coordinates(reduced, 3)
    together = reduced.reduced.linearise(cs, b)
    for k, c in enumerate(cs):
        alone = reduced.reduced.linearise([c], b[k : k + 1])
        assert torch.allclose(together.residuals[k], alone.residuals[0], atol=1e-9)
        assert torch.allclose(together.jacobian[k], alone.jacobian[0], atol=1e-9 * float(alone.jacobian.abs().max()))


def test_residuals_alone_are_those_of_the_linearisation(reduced):
    cs, b = members(reduced.equation)[:2], coordinates(reduced, 2)
    assert torch.equal(reduced.reduced.residuals(cs, b), reduced.reduced.linearise(cs, b).residuals)


class Hard(Decay):
    """A formula that does not take columns of coefficients."""

    def residual(self, t, u, c):
        return super().residual(t, u, pp.Coefficients(k=float(c.k)))


def test_formulas_that_take_no_columns_are_asked_one_by_one():
    reduced = basis(Hard(), [pp.Coefficients(k=k) for k in (1.0, 1.5, 2.0)])
    cs, b = [pp.Coefficients(k=1.2), pp.Coefficients(k=1.7)], coordinates(reduced, 2)
    expected = basis(Decay(), [pp.Coefficients(k=k) for k in (1.0, 1.5, 2.0)]).reduced.linearise(cs, b)
    found = reduced.reduced.linearise(cs, b)
    assert torch.allclose(found.residuals, expected.residuals)
    assert torch.allclose(found.jacobian, expected.jacobian)


def test_some_rows_of_an_equation():
    full = basis(Decay(), [pp.Coefficients(k=k) for k in (1.0, 1.5, 2.0)])
    rows, c, b = torch.tensor([0, 3, 17]), pp.Coefficients(k=1.2), coordinates(full)
    few = full.reduced.restricted(rows)
    assert isinstance(few, ReducedResidual)
    every = full.reduced.residuals([c], b)[:, rows] * (full.reduced.points.rows / len(rows)) ** 0.5  # a mean over fewer
    assert torch.allclose(few.residuals([c], b), every)
