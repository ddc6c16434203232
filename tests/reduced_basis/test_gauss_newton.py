"""Gauss-Newton for many small problems at once."""

import pytest
import torch

from pacpinn.reduced_basis.gauss_newton import gauss_newton, least_squares


def rosenbrock(b):
    """(1 - x)² + 100 (y - x²)²."""
    x, y = b[:, 0], b[:, 1]
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    residuals = torch.stack([1 - x, 10 * (y - x**2)], dim=1)
    return residuals, torch.stack([torch.stack([-one, zero], 1), torch.stack([-20 * x, 10 * one], 1)], dim=1)


def test_a_linear_problem_takes_one_jacobian_and_one_to_see_that_it_is_solved():
    matrix = torch.randn(3, 8, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    right = torch.ones(3, 8, dtype=torch.float64)
    found = gauss_newton(lambda b: ((matrix @ b[..., None])[..., 0] - right, matrix), right.new_zeros(3, 2))
    assert torch.allclose(found.unknowns, torch.linalg.lstsq(matrix, right[..., None]).solution[..., 0])
    assert found.iterations == 2


def test_many_problems_from_different_starts():
    start = torch.tensor([[-1.2, 1.0], [1.0, 1.0], [3.0, -2.0]], dtype=torch.float64)
    found = gauss_newton(rosenbrock, start, accuracy=1e-6)
    assert torch.allclose(found.unknowns, torch.ones(3, 2, dtype=torch.float64), atol=1e-8)


def test_a_step_too_far_is_shortened():
    def arctangent(b):
        return torch.atan(b), 1 / (1 + b[..., None] ** 2)

    found = gauss_newton(arctangent, torch.tensor([[3.0]], dtype=torch.float64), accuracy=1e-6)
    assert abs(float(found.unknowns)) < 1e-8


def test_a_problem_at_its_minimum_stays_there():
    found = gauss_newton(lambda b: (1 + b**2, torch.ones(1, 1, 1)), torch.zeros(1, 1))
    assert found.unknowns.tolist() == [[0]]


def test_without_unknowns_there_is_nothing_to_do():
    found = gauss_newton(lambda b: (torch.ones(1, 4), torch.ones(1, 4, 0)), torch.zeros(1, 0))
    assert found.unknowns.shape == (1, 0)


def test_a_problem_that_is_not_finite_stays_and_the_others_are_solved():
    def line(b):
        residuals = torch.cat([b - 2, b - 2], dim=1)
        residuals[1] = torch.nan
        return residuals, torch.ones(2, 2, 1, dtype=torch.float64)

    found = gauss_newton(line, torch.zeros(2, 1, dtype=torch.float64)).unknowns
    assert found[:, 0].tolist() == pytest.approx([2, 0])


def test_least_squares_have_the_same_bits_whatever_was_in_memory_before():
    generator = torch.Generator().manual_seed(0)
    matrix, right = (torch.randn(40, 24, n, generator=generator, dtype=torch.float64) for n in (6, 1))
    found = set()
    for k in range(60):
        filler = [torch.full((7 * (k % 13) + 1,), 2**31 - 1 - k, dtype=torch.int32) for _ in range(9)]
        del filler
        found.add(least_squares(matrix, right).numpy().tobytes())
    assert len(found) == 1


def test_least_squares_of_less_than_full_rank_are_the_shortest():
    matrix = torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(least_squares(matrix, 2 * matrix[:, :1]), torch.ones(2, 1, dtype=torch.float64))
