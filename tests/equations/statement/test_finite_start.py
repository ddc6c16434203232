"""A start that is not finite is refused with its point."""

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.statement.finite_start import require_finite_start
from pacpinn.errors import ResidualError
from tests.toys import EQUATIONS, Rotation, SoftDecay


def check(problem):
    require_finite_start(problem.task(), problem.initial_network(0))


@pytest.mark.parametrize("equation", EQUATIONS)
def test_what_is_finite_passes(equation):
    check(equation())


class Singular(SoftDecay):
    """A division by zero at the initial time, which is among the points as the boundary is."""

    def residual(self, t, u, c):
        return dde.grad.jacobian(u, t) + c.k * u / t


def test_the_first_point_and_the_outputs_are_named():
    message = (
        r"residual of singular at k=1 is not finite at 1 of 26 points before the first step, the first at t = 0, "
        r"where the initial network has u = .*; expected numbers: .*test_finite_start\.py, line \d+\)"
    )
    with pytest.raises(ResidualError, match=message):
        check(Singular())
    with pytest.raises(ResidualError, match="the first at t = 0, where the initial network has u"):
        pp.solve_family(Singular())


def test_every_output_is_named():
    class Rooted(Rotation):
        def residual(self, t, y, c):
            first, second = super().residual(t, y, c)
            return [first, second + torch.sqrt(-1 - y[:, :1] ** 2)]

    with pytest.raises(ResidualError, match=r"residual 2 of rooted .*24 of 24 .*has u = .*, v = "):
        check(Rooted())


def test_a_condition_that_is_not_finite_is_named():
    class BadOperator(SoftDecay):
        def conditions(self, geometry, c):
            return [dde.icbc.OperatorBC(geometry, lambda t, u, _: u / t, lambda t, on: on and np.isclose(t[0], 0))]

    with pytest.raises(ResidualError, match=r"condition 1 \(OperatorBC\) of bad_operator .* 1 of 1 points"):
        check(BadOperator())


def test_the_first_of_the_easier_tasks_counts():
    """A start at which the equation itself is not finite is no fault if the solve begins elsewhere."""

    class Eased(SoftDecay):
        easy = {"k": 0.5}

        def residual(self, t, u, c):
            return dde.grad.jacobian(u, t) + c.k * u + (float("nan") if c.k > 0.9 else 0)

    problem = Eased()
    require_finite_start(problem.task().easier()[0], problem.initial_network(0))
    with pytest.raises(ResidualError, match="residual of eased at k=1 is not finite"):
        check(problem)
