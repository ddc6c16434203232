"""The families whose scaling is measured."""

import numpy as np
import pytest
import torch

import pacpinn as pp
import scaling


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_reference_of_heat_solves_its_equation_and_starts_as_the_transform_does(dimensions):
    problem = scaling.Heat(dimensions)
    c = problem.at({"alpha": 0.1})
    x = torch.rand(5, dimensions + 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    h = 1e-3

    def u(shift: list[float]) -> np.ndarray:
        return problem.reference((x + torch.tensor(shift)).numpy(), c)

    unit = np.eye(dimensions + 1)
    u_t = (u(h * unit[-1]) - u(-h * unit[-1])) / (2 * h)
    laplacian = sum((u(h * e) - 2 * u(0 * e) + u(-h * e)) / h**2 for e in unit[:-1])
    np.testing.assert_allclose(u_t, 0.1 * laplacian, atol=1e-4)
    x[:, -1] = 0
    np.testing.assert_allclose(problem.transform(x, torch.ones(5, 1), c), problem.reference(x.numpy(), c), atol=1e-15)


def test_a_row_says_what_a_family_took():
    row = scaling.measure(scaling.Case("dimensions", 1, tolerance=0.5), torch.get_num_threads())
    assert row["converged"] == row["targets"] == scaling.FEW
    assert row["free"] < row["of"]
    assert 0 < row["stored"] < row["peak"]


def test_widths_and_points_are_varied_one_at_a_time():
    installed = pp.get_problem("burgers")
    assert scaling.Case("free weights", 16).burgers().hidden == (16, 16, 16)
    assert scaling.Case("free weights", 16).burgers().points == installed.points
    assert scaling.Case("points", 512).burgers().hidden == installed.hidden
    assert scaling.Case("points", 512).burgers().points.domain == 512
