"""The parametric network: one network for a range of coefficients."""

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.settings import Settings
from pacpinn.equations.parametric import parametric, range_task
from pacpinn.errors import PacpinnError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from tests.toys import Advection, Decay, Rotation, Waves, problem_file, same_bits


@pytest.fixture(scope="module")
def family():
    return pp.solve_family(Decay(), targets=pp.grid(k=[0.5, 0.8, 2.0]), method="parametric")


def test_one_network_solves_every_coefficient_of_the_range(family):
    assert [each.status for each in family.targets] == ["converged"] * 3
    assert all(each.score.value < 2 * Decay.tolerance for each in family.targets)
    assert all(each.steps == 0 and len(each.z) == 0 for each in family.targets)


def test_further_coefficients_of_the_range_cost_nothing(family):
    family.extend([{"k": 1.5}])
    assert family[{"k": 1.5}].status == "converged"
    assert family[{"k": 1.5}].steps == 0


def test_a_coefficient_outside_the_range_misses_its_tolerance(family):
    family.extend([{"k": 9.9}])
    assert family[{"k": 9.9}].status == "stalled"


def test_it_comes_back_from_its_file(family, tmp_path):
    again = pp.load(family.save(tmp_path / "decay.pac"), problem=Decay())
    x = np.linspace(0, 1, 7)[:, None]
    assert np.array_equal(again.predict(x, k=0.8), family.predict(x, k=0.8))
    assert again.problem.span == family.problem.span


def test_a_family_of_a_users_own_file_comes_back_too(tmp_path):
    path = problem_file(tmp_path)
    family = pp.solve_family(path, targets=[{"k": 1.5}], method="parametric")
    again = pp.load(family.save(tmp_path / "mine.pac"), problem=path)
    assert same_bits(again.bases[0].masked.weights, family.bases[0].masked.weights)


def test_the_network_sees_where_a_coefficient_lies_in_its_range():
    wide = parametric(Decay(), {"k": (0.5, 2.0)})
    t = torch.rand(3, 1, dtype=torch.float64)
    for k, place in ((0.5, -1.0), (1.0, 0.0), (2.0, 1.0)):
        features = wide.features(t, pp.Coefficients(k=k))
        torch.testing.assert_close(features, torch.cat([2 * t - 1, torch.full_like(t, place)], dim=1))


def test_the_problem_itself_stays_as_it_is():
    problem = Decay()
    wide = parametric(problem, {"k": (0.5, 2.0)})
    assert type(problem) is Decay
    assert (wide.name, wide.hidden, wide.tolerance) == (problem.name, problem.hidden, problem.tolerance)


@pytest.mark.parametrize("equation", [Decay, Rotation, Advection])
def test_the_loss_of_a_range_is_the_mean_of_its_tasks_losses(equation):
    class Coarse(equation):  # the general Jacobian needs a backward pass for each residual
        points = pp.Points(domain=32, boundary=6, initial=6)

    (name, each), *_ = equation.coefficients.items()
    wide = parametric(Coarse(), {name: (each.value_at(0.3), each.value_at(0.7))})
    task = range_task(wide, wide.source, Settings().task)
    masked = MaskedNetwork(wide.initial_network(0))
    forward = masked.forward(masked.start)
    own = [float(one.loss(forward, one.everything()).detach()) for one in task.tasks]
    assert float(task.loss(forward, task.everything()).detach()) == pytest.approx(np.mean(own), rel=1e-10)
    objective = Objective(task, masked)
    z = masked.start[None]
    torch.testing.assert_close(objective.linearise(z).jacobian, objective.general_jacobian(z))


def test_no_equation_or_no_range_is_refused():
    with pytest.raises(PacpinnError, match="waves is no equation"):
        parametric(Waves(), {"shift": (0, 1)})
    with pytest.raises(PacpinnError, match="needs an equation and a coefficient that varies"):
        parametric(Decay(), {})
