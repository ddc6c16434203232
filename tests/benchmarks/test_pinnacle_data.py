"""Reference tables as COMSOL writes them, the paper's errors, and cases that agree with their closed forms."""

import numpy as np
import pytest
import torch

from pacpinn.equations.collocation import inside
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pinnacle import CASES
from pinnacle_data import case, published, reference, row_of

STEADY = """% Model:   flow.mph
% Dimension:          2
% Nodes:              3
% x   y   u (m/s)   p (Pa)
0     0   1.5       2
0.5   1   2.5       3
1     1   NaN       NaN
"""
MOVING = """% Dimension:          1
% X   u (1) @ t=0   v (1) @ t=0   u (1) @ t=0.5   v (1) @ t=0.5
-1    1   2   3   4
1     5   6   7   8
"""
PI, sin = np.pi, torch.sin


def standing(x, m):
    return sin(m * PI * x[:, :1]) * torch.cos(2 * m * PI * x[:, 1:])


def product(x, m=1):
    return sin(m * PI * x[:, :1]) * sin(m * PI * x[:, 1:2])


CLOSED_FORMS = {  # of the paper's coefficients, in torch, so that a residual can be taken
    "heat_ball": lambda x: torch.exp((x[:, :5] ** 2).sum(1, keepdim=True) / 2 + x[:, 5:]),
    "heat_inverse": lambda x: torch.cat([torch.exp(-x[:, 2:]) * product(x), 2 + product(x)], 1),
    "heat_multiscale": lambda x: sin(20 * PI * x[:, :1]) * sin(PI * x[:, 1:2]) * torch.exp(-1.0016 * x[:, 2:]),
    "helmholtz": lambda x: product(x, 4),
    "poisson_1d": sin,
    "poisson_cube": lambda x: sin(PI / 2 * x).sum(1, keepdim=True),
    "wave_1d": lambda x: standing(x, 1) + standing(x, 4) / 2,
    "poisson_inverse": lambda x: torch.cat([product(x), 1 / (1 + (x**2 + (x - 1) ** 2).sum(1, keepdim=True))], 1),
}


def written(folder, text: str):
    path = folder / "table.dat"
    path.write_text(text)
    return path


def test_a_steady_table(tmp_path):
    x, u = reference(written(tmp_path, STEADY))
    assert x.tolist() == [[0, 0], [0.5, 1]]  # a point outside the domain is left out
    assert u.tolist() == [[1.5, 2], [2.5, 3]]


def test_a_table_with_times(tmp_path):
    x, u = reference(written(tmp_path, MOVING))
    assert x.tolist() == [[-1, 0], [-1, 0.5], [1, 0], [1, 0.5]]
    assert u.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]


def test_a_table_without_header_or_with_too_few_columns_is_told(tmp_path):
    with pytest.raises(ValueError, match="Dimension"):
        reference(written(tmp_path, "0 1 2\n"))
    with pytest.raises(ValueError, match="3 columns of values for 2 times"):
        reference(written(tmp_path / ".", MOVING.replace(" 4\n", "\n").replace(" 8\n", "\n")))


def test_the_papers_errors():
    table = published()
    assert all(min(errors.values()) > 0 for errors in table.values())
    assert table["Burgers 1d-C"]["LBFGS"] == 0.0133
    assert "LBFGS" not in table["Wave 1d-C"]  # it ended without a number


@pytest.fixture
def folder(tmp_path):
    """A folder with the points at which one of the cases has its measurements."""
    np.savetxt(tmp_path / "heatinv_points.dat", np.random.default_rng(0).uniform([-1, -1, 0], 1, (50, 3)))
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_complete(name, folder):
    """Its coefficients lie in the problem's own ranges, its conditions can be made, the paper's table has its row."""
    each = case(name, folder)
    problem = each.problem()
    for target in [{}, *each.targets]:
        assert problem.new_conditions(problem.at(target))
    assert row_of(name) is None or row_of(name) in published()


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_a_closed_form_solves_its_equation(name, folder):
    each, target = case(name, folder), {"shift": -1.0} if name == "poisson_inverse" else {}
    c = each.problem().at(target)
    x = each.points(c, 50)
    assert inside(each.problem().geometry(c), x).all()
    np.testing.assert_allclose(CLOSED_FORMS[name](torch.tensor(x)), each.exact(x, c), atol=1e-12)
    assert misfit(each, CLOSED_FORMS[name], c, x) < 1e-9


def test_the_source_of_the_inverse_problem_does_not_fit_as_it_stands(folder):
    each = case("poisson_inverse", folder)
    c = each.problem().at({})
    assert misfit(each, CLOSED_FORMS["poisson_inverse"], c, each.points(c, 50)) > 0.1


def misfit(each, field, c, x) -> float:
    """The largest residual of a field."""
    points = torch.tensor(x, requires_grad=True)
    with deepxde_defaults(torch.float64, torch.device("cpu")):
        found = each.problem().residual(points, field(points), c)
    return max(float(block.detach().abs().max()) for block in (found if isinstance(found, list) else [found]))
