"""One damped step, by the primal matrix, by the dual one, and by linear algebra that knows neither."""

import pytest
import torch

from pacpinn.solvers.normal_equations import NormalEquations

SHAPES = pytest.mark.parametrize(("m", "p"), [(9, 4), (6, 6), (4, 9), (1, 5), (5, 1)])


def equations(m: int, p: int, penalty: float = 0.3, targets: int = 1, seed: int = 0) -> NormalEquations:
    draw = torch.Generator().manual_seed(seed)
    numbers = [torch.randn(targets, *shape, dtype=torch.float64, generator=draw) for shape in [(m, p), (m,), (p,)]]
    return NormalEquations(*numbers, penalty)


@SHAPES
@pytest.mark.parametrize("penalty", [0.0, 0.3])
def test_a_step_solves_the_damped_normal_equations(m, p, penalty):
    normal, mu = equations(m, p, penalty), torch.tensor([0.2], dtype=torch.float64)
    J, r, delta = normal.jacobian[0], normal.residuals[0], normal.delta[0]
    matrix = J.T @ J + torch.diag(penalty + 0.2 * normal.scale[0])
    expected = torch.linalg.solve(matrix, -(J.T @ r + penalty * delta))
    torch.testing.assert_close(normal.damped(mu).step()[0], expected, rtol=1e-8, atol=1e-8)


@SHAPES
def test_the_damping_follows_the_lengths_of_the_columns(m, p):
    normal = equations(m, p)
    squares = normal.jacobian[0].square().sum(0)
    expected = squares.mean() * (squares.sqrt() / squares.sqrt().mean() + 0.01)
    torch.testing.assert_close(normal.scale[0], expected)


def test_a_weight_that_moves_no_residual_is_damped_too():
    normal = equations(9, 4)
    normal.jacobian[..., 1] = 0
    assert normal.scale[0, 1] > 0
    normal.jacobian.zero_()
    assert (NormalEquations(normal.jacobian, normal.residuals, normal.delta, 0.0).scale > 0).all()


@pytest.mark.parametrize("penalty", [0.0, 0.3])
def test_primal_and_dual_give_the_same_step(penalty):
    """Residuals that are zero whatever the weights change no step, but make rows outnumber weights."""
    dual, mu = equations(4, 9, penalty), torch.tensor([0.2], dtype=torch.float64)
    none = torch.zeros(1, 8, 9, dtype=torch.float64)
    residuals = torch.cat([dual.residuals, none[..., 0]], dim=1)
    primal = NormalEquations(torch.cat([dual.jacobian, none], dim=1), residuals, dual.delta, penalty)
    mine, its = dual.damped(mu), primal.damped(mu)
    assert mine.factor.shape != its.factor.shape
    torch.testing.assert_close(mine.step(), its.step(), rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(mine.correction(dual.residuals), its.correction(residuals), rtol=1e-8, atol=1e-8)


@SHAPES
def test_a_batch_of_targets_is_one_after_the_other(m, p):
    batch, mu = equations(m, p, targets=3), torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64)
    for k in range(3):
        alone = NormalEquations(
            batch.jacobian[k : k + 1], batch.residuals[k : k + 1], batch.delta[k : k + 1], batch.penalty
        )
        torch.testing.assert_close(
            batch.damped(mu).step()[k], alone.damped(mu[k : k + 1]).step()[0], rtol=1e-12, atol=1e-12
        )


def test_more_damping_makes_a_shorter_step():
    normal = equations(9, 4)
    lengths = [float(normal.damped(torch.tensor([mu], dtype=torch.float64)).step().norm()) for mu in (0.0, 1.0, 100.0)]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize(("m", "p"), [(9, 4), (4, 9)])
def test_a_matrix_without_a_factor_gives_nan_for_its_target_only(m, p):
    batch = equations(m, p, targets=2)
    batch.jacobian[0, 0, 0] = torch.inf
    step = batch.damped(torch.ones(2, dtype=torch.float64)).step()
    assert step[0].isnan().all()
    assert step[1].isfinite().all()


def test_an_indefinite_matrix_gives_nan():
    assert equations(9, 4).damped(torch.tensor([-1e6], dtype=torch.float64)).step().isnan().all()
