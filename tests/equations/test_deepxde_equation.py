"""DeepXDE's own data objects as families: every kind of condition, with known solutions."""

from __future__ import annotations

import contextlib
import io
from typing import NamedTuple

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.errors import PacpinnError, ResidualError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched

LINE = dde.geometry.Interval(0, 1)
RATE = {"rate": pp.Coefficient(1.5, low=0.5, high=4.0, scale="log", doc="rate")}


def everywhere(x, on_boundary):
    return on_boundary


def left(x, on_boundary):
    return on_boundary and np.isclose(x[0], 0)


def right(x, on_boundary):
    return on_boundary and np.isclose(x[0], 1)


def network(inputs=1, outputs=1):
    return lambda: dde.nn.FNN([inputs, 10, 10, outputs], "tanh", "Glorot normal")


def growth(x, u, rate):
    """u'' = rate² u, which e^(rate x) solves."""
    return dde.grad.hessian(u, x) - rate**2 * u


class Known(NamedTuple):
    """A set-up for DeepXDE, the exact solution, and how many conditions there are."""

    make_data: object
    exact: object
    conditions: int = 1
    inputs: int = 1
    outputs: int = 1


def exponential(x, rate):
    return torch.exp(rate * x[:, 0:1])


def on_a_line(*conditions, **options):
    """u'' = rate² u on [0, 1] with these conditions, each made of the geometry and the rate."""

    def make_data(c):
        made = [each(c.rate) for each in conditions]
        return dde.data.PDE(
            LINE, lambda x, u: growth(x, u, c.rate), made, **{"num_domain": 9, "num_boundary": 2} | options
        )

    return make_data


def dirichlet(rate):
    return dde.icbc.DirichletBC(LINE, lambda x: np.exp(rate * x), everywhere)


def neumann(rate):
    return dde.icbc.NeumannBC(LINE, lambda x: rate * np.exp(rate * x), right)


def robin(rate):
    return dde.icbc.RobinBC(LINE, lambda x, u: rate * u, right)


def operator(rate):
    return dde.icbc.OperatorBC(LINE, lambda x, u, _: dde.grad.jacobian(u, x) - rate * u, left)


def point_set(rate):
    points = np.array([[0.2], [0.7]])
    return dde.icbc.PointSetBC(points, np.exp(rate * points))


def point_set_operator(rate):
    points = np.array([[0.3], [0.9]])
    return dde.icbc.PointSetOperatorBC(points, rate * np.exp(rate * points), lambda x, u, _: dde.grad.jacobian(u, x))


def travelling(c):
    """u_t + rate u_x = 0, periodic, in space and time."""
    geometry = dde.geometry.GeometryXTime(LINE, dde.geometry.TimeDomain(0, 1))
    conditions = [
        dde.icbc.PeriodicBC(geometry, 0, left),
        dde.icbc.PeriodicBC(geometry, 0, left, derivative_order=1),
        dde.icbc.IC(geometry, lambda x: np.sin(2 * np.pi * x[:, 0:1]), lambda _, on_initial: on_initial),
    ]

    def equation(x, u):
        return dde.grad.jacobian(u, x, j=1) + c.rate * dde.grad.jacobian(u, x, j=0)

    return dde.data.TimePDE(geometry, equation, conditions, num_domain=20, num_boundary=10, num_initial=10)


def wave(x, rate):
    return torch.sin(2 * torch.pi * (x[:, 0:1] - rate * x[:, 1:2]))


def turning(c):
    """u' = rate v, v' = -rate u, with values of both outputs at once."""
    time = dde.geometry.TimeDomain(0, 1)
    points = np.array([[0.0], [0.5]])
    values = np.hstack([np.sin(c.rate * points), np.cos(c.rate * points)])

    def equations(t, y):
        u, v = y[:, 0:1], y[:, 1:2]
        return [dde.grad.jacobian(y, t, i=0) - c.rate * v, dde.grad.jacobian(y, t, i=1) + c.rate * u]

    start = dde.icbc.IC(time, lambda t: np.ones_like(t), lambda _, on_initial: on_initial, component=1)
    return dde.data.PDE(time, equations, [start, dde.icbc.PointSetBC(points, values, component=[0, 1])], 9, 2)


def circle(t, rate):
    return torch.cat([torch.sin(rate * t), torch.cos(rate * t)], dim=1)


def forced(c):
    """u' = rate cos(x), the cosine as an auxiliary variable."""
    start = dde.icbc.DirichletBC(LINE, lambda x: np.zeros_like(x), left)

    def equation(x, u, force):
        return dde.grad.jacobian(u, x) - c.rate * force

    return dde.data.PDE(LINE, equation, start, 9, 2, auxiliary_var_function=np.cos)


def on_a_ring(c):
    """Δu = 0 on a disk with a hole, rate log r on both circles."""
    hole = dde.geometry.Disk([0, 0], 0.5)
    ring = dde.geometry.CSGDifference(dde.geometry.Disk([0, 0], 1), hole)

    def laplace(x, u):
        return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)

    def edge(x):
        return c.rate * np.log(np.linalg.norm(x, axis=1, keepdims=True))

    return dde.data.PDE(ring, laplace, dde.icbc.DirichletBC(ring, edge, everywhere), num_domain=20, num_boundary=12)


def logarithm(x, rate):
    return rate * torch.log(x.norm(dim=1, keepdim=True))


def volterra(c):
    """u' + u = ∫_0^x e^(t - x) u dt with u(0) = 1: u = e^-x cosh x (DeepXDE's example), times the rate."""

    def equation(x, u, integral):
        found = torch.as_tensor(integral, dtype=u.dtype) @ u
        return (dde.grad.jacobian(u, x) + u)[: len(found)] - found

    time = dde.geometry.TimeDomain(0, 2)
    start = dde.icbc.IC(time, lambda t: np.full_like(t, c.rate), lambda _, on_initial: on_initial)
    return dde.data.IDE(time, equation, start, 20, kernel=lambda x, t: np.exp(t - x), num_domain=8, num_boundary=2)


def fading(x, rate):
    return rate * torch.exp(-x) * torch.cosh(x)


def fractional(c):
    """Fractional Laplacian of x³ (1 - x)³ (DeepXDE's example), times the rate."""
    alpha = 1.8

    def equation(x, u, integral):
        if isinstance(integral, list | tuple):
            indices, values, shape = integral
            integral = torch.sparse_coo_tensor(np.transpose(indices), values, shape, dtype=u.dtype)
        found = torch.as_tensor(integral, dtype=u.dtype) @ u
        gamma = lambda z: torch.exp(torch.lgamma(torch.as_tensor(z, dtype=u.dtype)))  # noqa: E731
        x = x[: len(found)]
        terms = [
            weight * gamma(n + 1) / gamma(n + 1 - alpha) * (x ** (n - alpha) + (1 - x) ** (n - alpha))
            for n, weight in [(3, 1), (4, -3), (5, 3), (6, -1)]
        ]
        return found - c.rate * sum(terms)

    edge = dde.icbc.DirichletBC(LINE, lambda x: np.zeros_like(x), everywhere)
    return dde.data.FPDE(LINE, equation, alpha, edge, [201], meshtype="static")


def bump(x, rate):
    return rate * x**3 * (1 - x) ** 3


KNOWN = {
    "DirichletBC": Known(on_a_line(dirichlet), exponential),
    "NeumannBC": Known(on_a_line(dirichlet, neumann), exponential, 2),
    "RobinBC": Known(on_a_line(dirichlet, robin), exponential, 2),
    "OperatorBC": Known(on_a_line(dirichlet, operator), exponential, 2),
    "PointSetBC": Known(on_a_line(point_set), exponential),
    "PointSetOperatorBC": Known(on_a_line(dirichlet, point_set_operator), exponential, 2),
    "anchors": Known(on_a_line(dirichlet, anchors=np.array([[0.11], [0.77]])), exponential),
    "anchors alone": Known(
        on_a_line(point_set, num_domain=0, num_boundary=0, anchors=np.linspace(0, 1, 9)[:, None]), exponential
    ),
    "PeriodicBC": Known(travelling, wave, 3, inputs=2),
    "components": Known(turning, circle, 2, outputs=2),
    "auxiliary variables": Known(forced, lambda x, rate: rate * torch.sin(x)),
    "constructive geometry": Known(on_a_ring, logarithm, inputs=2),
    "IDE": Known(volterra, fading),
    "FPDE": Known(fractional, bump),
}


@pytest.fixture(params=KNOWN)
def known(request) -> tuple[pp.GivenEquation, Known]:
    case = KNOWN[request.param]
    return pp.from_deepxde(case.make_data, network(case.inputs, case.outputs), RATE, name=request.param), case


def residuals(problem, forward, rate):
    task = problem.task(rate=rate)
    return task.residuals(forward, task.everything())


def test_residuals_of_the_solution_vanish_and_others_do_not(known):
    problem, case = known
    accuracy = 2e-3 if case.make_data is fractional else 1e-9  # of the fractional derivative's discretisation
    for rate in (1.0, 2.5):
        blocks = residuals(problem, lambda x, rate=rate: case.exact(x, rate), rate)
        assert len(blocks) == case.outputs + case.conditions
        assert all(each.values.abs().max() < accuracy for each in blocks)
        wrong = residuals(
            problem, lambda x, rate=rate: case.exact(x, rate) + x[:, 0:1] ** 2 * torch.sin(5 * x[:, 0:1] + 1) + 1, rate
        )
        assert wrong[0].values.abs().max() > 10 * accuracy


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("NeumannBC", 1),
        ("RobinBC", 1),
        ("OperatorBC", 1),
        ("PointSetBC", 0),
        ("PointSetOperatorBC", 1),
        ("PeriodicBC", 2),
    ],
)
def test_a_condition_that_is_not_met_shows(name, condition):
    case = KNOWN[name]
    problem = pp.from_deepxde(case.make_data, network(case.inputs), RATE)
    block = residuals(problem, lambda x: 2 * case.exact(x, 1.5) + x[:, 0:1], 1.5)[1 + condition]
    assert block.values.abs().max() > 0.05


def test_both_jacobians_agree(known):
    problem, _ = known
    objective = Objective(problem.task(), MaskedNetwork(problem.initial_network(0).double()))
    z = objective.masked.start[None]
    found, general = objective.linearise(z).jacobian, objective.general_jacobian(z)
    assert (found - general).abs().max() <= 1e-10 * general.abs().max()


def test_losses_are_those_that_deepxde_computes(known):
    problem, _ = known
    task, forward = problem.task(), problem.initial_network(0).double()
    ours = [each.values.square().mean().item() for each in task.residuals(forward, task.everything())]
    with (
        untouched(seed=0),
        deepxde_defaults(torch.float64, torch.device("cpu")),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        model = dde.Model(problem.data(problem.source), forward)
        model.compile("adam", lr=1e-3)
        data = model.data
        _, theirs = model.outputs_losses_train(data.train_x, data.train_y, data.train_aux_vars)
    assert ours == pytest.approx(theirs.tolist(), rel=1e-10)


def test_fresh_points_are_others(known):
    problem, case = known
    task = problem.task()
    training, fresh = task.everything(), task.fresh(1)
    if case.make_data is not fractional:  # on its fixed mesh
        assert fresh.x.shape[1] == training.x.shape[1]
        inside = slice(sum(training.counts), None)
        assert not np.isin(fresh.points[inside].round(9), training.points[inside].round(9)).all()
    loss = task.loss(lambda x: case.exact(x, problem.source.rate), fresh)
    assert loss < (1e-3 if case.make_data is fractional else 1e-15)


def test_a_family_is_solved_and_stored(tmp_path):
    problem = pp.from_deepxde(
        on_a_line(dirichlet), network(), RATE, targets=pp.grid(rate=[1.7, 1.9]), tolerance=1e-3, name="growth"
    )
    family = pp.solve_family(problem, keep=0.5)
    x = np.linspace(0, 1, 20)[:, None]
    for rate in (1.5, 1.7, 1.9):
        assert family[{"rate": rate}].status == "converged"
        assert np.abs(family.predict(x, rate=rate) - np.exp(rate * x)).max() < 1e-2
    assert np.abs(family.predict(x, rate=1.8, tolerance=1e-2) - np.exp(1.8 * x)).max() < 2e-2  # in the members' span
    loaded = pp.load(family.save(tmp_path / "growth.pac"), problem)
    assert np.array_equal(loaded.predict(x, rate=1.7), family.predict(x, rate=1.7))


def test_an_integral_equation_is_solved_but_not_between_its_members():
    problem = pp.from_deepxde(volterra, network(), RATE, targets=pp.grid(rate=[1.8]), tolerance=2e-3)
    family = pp.solve_family(problem, keep=0.5)
    x = np.linspace(0, 2, 20)[:, None]
    assert np.abs(family.predict(x, rate=1.8) - 1.8 * np.exp(-x) * np.cosh(x)).max() < 1e-2
    with pytest.raises(PacpinnError, match="volterra has integrals in it"):
        family.at(rate=1.6)
    with pytest.raises(PacpinnError, match="has integrals in it"):
        pp.solve_family(problem, within={"rate": (1, 2)})


def test_a_trained_model_is_taken_over_with_its_transforms():
    net = dde.nn.FNN([1, 10, 10, 1], "tanh", "Glorot normal")
    net.apply_feature_transform(lambda x: 2 * x - 1)
    net.apply_output_transform(lambda x, u: 1 + x * u)  # u(0) = 1
    with untouched(0), contextlib.redirect_stdout(io.StringIO()):
        model = dde.Model(on_a_line(neumann)(pp.Coefficients(rate=1.5)), net)
        model.compile("adam", lr=1e-2)
        model.train(iterations=20, display_every=1000)
        expected = model.predict(np.linspace(0, 1, 5, dtype=np.float32)[:, None])
    problem = pp.from_deepxde(on_a_line(neumann), model, RATE, tolerance=1e-3, targets=pp.grid(rate=[1.7]))
    task, network_ = problem.task(), problem.initial_network(7).double()
    found = task.predict(network_, np.linspace(0, 1, 5)[:, None])
    assert np.allclose(found, expected, atol=1e-5)
    assert found[0, 0] == 1
    family = pp.solve_family(problem, keep=0.5)
    assert np.abs(family.predict(np.array([[1.0]]), rate=1.7) - np.exp(1.7)).max() < 2e-2


def test_the_solution_of_the_data_object_is_the_reference():
    def make_data(c):
        return on_a_line(dirichlet, solution=lambda x: np.exp(c.rate * x))(c)

    problem = pp.from_deepxde(make_data, network(), RATE)
    assert problem.task(rate=2.0).score(lambda x: torch.exp(2 * x)).value < 1e-12


def test_transform_and_reference_as_functions():
    def transform(x, y, c):
        return torch.exp(c.rate * x) + 0 * y

    problem = pp.from_deepxde(
        on_a_line(dirichlet), network(), RATE, transform=transform, reference=lambda x, c: np.exp(c.rate * x)
    )
    assert problem.task(rate=2.0).score(torch.zeros_like).value < 1e-12


def test_names_of_inputs_and_outputs():
    assert pp.from_deepxde(travelling, network(2), RATE).inputs == ("x", "t")
    assert pp.from_deepxde(turning, network(1, 2), RATE).outputs == ("u1", "u2")
    assert pp.from_deepxde(turning, network(1, 2), RATE, outputs=("s", "c")).outputs == ("s", "c")
    assert pp.from_deepxde(turning, network(1, 2), RATE).name == "turning"


def test_a_network_that_does_not_take_the_points():
    with pytest.raises(PacpinnError, match="network of travelling does not take its points, which have 2 coordinates"):
        pp.from_deepxde(travelling, network(3), RATE)


def test_the_same_conditions_twice_are_refused():
    shared = dde.icbc.DirichletBC(LINE, lambda x: np.exp(x), everywhere)
    problem = pp.from_deepxde(on_a_line(lambda _: shared), network(), RATE)
    with pytest.raises(PacpinnError, match="the same DirichletBC as in an earlier call"):
        problem.task()


def test_points_in_batches_are_refused():
    points = np.linspace(0, 1, 9)[:, None]
    some = on_a_line(lambda rate: dde.icbc.PointSetBC(points, np.exp(rate * points), batch_size=4))
    with pytest.raises(PacpinnError, match=r"PointSetBC with batch_size=4, .*leave batch_size out"):
        pp.from_deepxde(some, network(), RATE)


def test_what_is_no_data_of_equations_is_refused():
    with pytest.raises(PacpinnError, match=r"is a dict; expected a dde\.data\.PDE"):
        pp.from_deepxde(lambda c: {}, network(), RATE)


def test_a_wrong_component_is_named():
    def make_data(c):
        return on_a_line(lambda rate: dde.icbc.DirichletBC(LINE, lambda x: 0 * x, everywhere, component=2))(c)

    problem = pp.from_deepxde(make_data, network(), RATE)
    with pytest.raises(ResidualError, match=r"condition 1 \(DirichletBC\).* component 2, but the solution has 1 \(u\)"):
        residuals(problem, torch.exp, 1.0)


@pytest.mark.parametrize("name", ["DirichletBC", "IDE", "FPDE"])
def test_measurements_are_further_residuals(name):
    case = KNOWN[name]
    problem = pp.from_deepxde(case.make_data, network(), RATE)
    points = np.array([[0.2], [0.6]])
    values = case.exact(torch.as_tensor(points), 1.5).numpy()
    for physics in (True, False):
        task = problem.task(rate=1.5).with_measurements(pp.Measurements(points, values + 0.02, 0.01), physics=physics)
        *others, measured = task.residuals(lambda x: case.exact(x, 1.5), task.everything())
        assert measured.values.tolist() == pytest.approx([-2, -2])
        assert len(others) == (1 + case.conditions if physics else 0)


def test_data_are_made_for_each_target_not_for_each_evaluation():
    made = []

    def make_data(c):
        made.append(c)
        return on_a_line(dirichlet)(c)

    problem = pp.from_deepxde(make_data, network(), RATE)
    task = problem.task()
    forward, points = problem.initial_network(0).double(), task.everything()
    before = len(made)
    for _ in range(5):
        task.residuals(forward, points)
    assert len(made) <= before + 1
